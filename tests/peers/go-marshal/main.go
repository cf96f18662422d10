// go-marshal reads one object a line, as JSON or (after "protobuf:") as base64 of the API's protobuf, and prints for
// each what Go's own marshallers make of it: {"json": ..., "protobuf": base64}.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

func main() {
	for _, add := range []func(*runtime.Scheme) error{apiextensions.AddToScheme, apiregistration.AddToScheme} {
		if err := add(scheme.Scheme); err != nil {
			fail(err)
		}
	}
	codecs := serializer.NewCodecFactory(scheme.Scheme)
	proto := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := one(bytes.TrimSpace(line), codecs, proto, out); err != nil {
				fail(fmt.Errorf("%w: %.200s", err, line))
			}
		}
		if err == io.EOF {
			return
		} else if err != nil {
			fail(err)
		}
	}
}

func one(line []byte, codecs serializer.CodecFactory, proto *protobuf.Serializer, out io.Writer) error {
	var object runtime.Object
	var err error
	if encoded, ok := bytes.CutPrefix(line, []byte("protobuf:")); ok {
		raw, decodeErr := base64.StdEncoding.DecodeString(string(encoded))
		if decodeErr != nil {
			return decodeErr
		}
		object, _, err = proto.Decode(raw, nil, nil)
	} else {
		object, _, err = codecs.UniversalDeserializer().Decode(line, nil, nil)
	}
	if err != nil {
		return err
	}
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	var encoded bytes.Buffer
	if err := proto.Encode(object, &encoded); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(map[string]any{"json": json.RawMessage(text), "protobuf": encoded.Bytes()})
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
