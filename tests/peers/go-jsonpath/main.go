// go-jsonpath reads a corpus, {"objects": {name: object}, "expressions": [...]}, and prints what kubectl's JSONPath makes of
// each expression on each object: {expression: {name: text}}, with null for an error and for an expression that is refused.
// Where Go goes through maps in a random order there is a sorted list of the results instead of their text.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/util/jsonpath"
)

type corpus struct {
	Objects     map[string]json.RawMessage `json:"objects"`
	Expressions []string                   `json:"expressions"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	var corpus corpus
	if err := json.Unmarshal(text, &corpus); err != nil {
		return err
	}
	table := map[string]map[string]any{}
	for _, expression := range corpus.Expressions {
		row := map[string]any{}
		for name, raw := range corpus.Objects {
			// Integers as int64, as in unstructured objects.
			var object any
			if err := utiljson.Unmarshal(raw, &object); err != nil {
				return err
			}
			row[name] = evaluate(expression, object)
		}
		table[expression] = row
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	return encoder.Encode(table)
}

func evaluate(expression string, object any) (answer any) {
	defer func() {
		if recover() != nil {
			answer = nil
		}
	}()
	path := jsonpath.New("corpus").AllowMissingKeys(true)
	if err := path.Parse(expression); err != nil {
		return nil
	}
	groups, err := path.FindResults(object)
	if err != nil {
		return nil
	}
	results := []string{}
	var text bytes.Buffer
	for _, group := range groups {
		if err := path.PrintResults(&text, group); err != nil {
			return nil
		}
		for _, result := range group {
			var one bytes.Buffer
			if err := path.PrintResults(&one, []reflect.Value{result}); err != nil {
				return nil
			}
			results = append(results, one.String())
		}
	}
	if strings.Contains(expression, "..") || strings.Contains(expression, ".*") {
		slices.Sort(results)
		return results
	}
	return text.String()
}
