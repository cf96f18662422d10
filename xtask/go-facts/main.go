// go-facts PACKAGE=DIR ... prints, for every type in the Go packages of the API, what the published documents
// leave out: whether a field is a pointer, how encoding/json omits it, and its protobuf number and wire type.
// It only parses: nothing of the packages is compiled.
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"reflect"
	"strconv"
	"strings"
)

type field struct {
	Go        string `json:"go"`
	Type      string `json:"type"`
	OmitEmpty bool   `json:"omitempty,omitempty"`
	OmitZero  bool   `json:"omitzero,omitempty"`
	Inline    bool   `json:"inline,omitempty"`
	Number    int    `json:"number,omitempty"`
	Wire      string `json:"wire,omitempty"`
}

// A named type: a struct has fields in their order, any other its definition.
type facts struct {
	Is     string           `json:"is,omitempty"`
	Order  []string         `json:"order,omitempty"`
	Fields map[string]field `json:"fields,omitempty"`
}

func main() {
	all := map[string]map[string]facts{}
	for _, argument := range os.Args[1:] {
		pkg, dir, ok := strings.Cut(argument, "=")
		if !ok {
			fail(fmt.Errorf("%q is not PACKAGE=DIR", argument))
		}
		found, err := read(dir)
		if err != nil {
			fail(fmt.Errorf("%s: %w", pkg, err))
		}
		if len(found) > 0 {
			all[pkg] = found
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(all); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func read(dir string) (map[string]facts, error) {
	handwritten := func(file fs.FileInfo) bool {
		name := file.Name()
		return !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "zz_generated") && !strings.HasPrefix(name, "generated.")
	}
	//lint:ignore SA1019 only syntax is wanted, so build tags don't matter
	packages, err := parser.ParseDir(token.NewFileSet(), dir, handwritten, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	found := map[string]facts{}
	for _, pkg := range packages {
		for _, file := range pkg.Files {
			named, err := imports(file)
			if err != nil {
				return nil, err
			}
			for _, declaration := range file.Decls {
				general, ok := declaration.(*ast.GenDecl)
				if !ok || general.Tok != token.TYPE {
					continue
				}
				for _, spec := range general.Specs {
					spec := spec.(*ast.TypeSpec)
					if !spec.Name.IsExported() {
						continue
					}
					described, err := describe(spec.Type, named)
					if err != nil {
						return nil, fmt.Errorf("%s: %w", spec.Name.Name, err)
					}
					found[spec.Name.Name] = described
				}
			}
		}
	}
	return found, nil
}

// The path of each package that a file imports, by the name that it has there.
func imports(file *ast.File) (map[string]string, error) {
	named := map[string]string{}
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		name := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		named[name] = path
	}
	return named, nil
}

// The expression with the whole path of every package in it.
func text(expression ast.Expr, named map[string]string) string {
	switch e := expression.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return "*" + text(e.X, named)
	case *ast.ArrayType:
		return "[]" + text(e.Elt, named)
	case *ast.MapType:
		return "map[" + text(e.Key, named) + "]" + text(e.Value, named)
	case *ast.SelectorExpr:
		pkg := text(e.X, named)
		if path, ok := named[pkg]; ok {
			pkg = path
		}
		return pkg + "." + e.Sel.Name
	default:
		// Functions and interfaces are no types of the API.
		return "?"
	}
}

func describe(expression ast.Expr, named map[string]string) (facts, error) {
	structure, ok := expression.(*ast.StructType)
	if !ok {
		return facts{Is: text(expression, named)}, nil
	}
	result := facts{Fields: map[string]field{}}
	for _, f := range structure.Fields.List {
		if f.Tag == nil {
			continue
		}
		raw, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			return facts{}, err
		}
		tag := reflect.StructTag(raw)
		name, options, _ := strings.Cut(tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		value := field{Type: text(f.Type, named)}
		for _, option := range strings.Split(options, ",") {
			switch option {
			case "omitempty":
				value.OmitEmpty = true
			case "omitzero":
				value.OmitZero = true
			case "inline":
				value.Inline = true
			}
		}
		if len(f.Names) > 0 {
			value.Go = f.Names[0].Name
		} else {
			// An embedded field is named like its type, and inlined where its tag names nothing.
			parts := strings.Split(strings.TrimPrefix(value.Type, "*"), ".")
			value.Go = parts[len(parts)-1]
			value.Inline = value.Inline || name == ""
		}
		if proto := strings.Split(tag.Get("protobuf"), ","); len(proto) >= 2 {
			value.Wire = proto[0]
			if value.Number, err = strconv.Atoi(proto[1]); err != nil {
				return facts{}, fmt.Errorf("%s: protobuf tag: %w", value.Go, err)
			}
		}
		if name == "" {
			name = value.Go
		}
		result.Order = append(result.Order, name)
		result.Fields[name] = value
	}
	return result, nil
}
