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
	"go/types"
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
					described, err := describe(spec.Type)
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

func describe(expression ast.Expr) (facts, error) {
	structure, ok := expression.(*ast.StructType)
	if !ok {
		return facts{Is: types.ExprString(expression)}, nil
	}
	result := facts{Fields: map[string]field{}}
	for _, f := range structure.Fields.List {
		if f.Tag == nil {
			continue
		}
		text, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			return facts{}, err
		}
		tag := reflect.StructTag(text)
		name, options, _ := strings.Cut(tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		value := field{Type: types.ExprString(f.Type)}
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
