// go-decode DECODER FILE prints what client-go's decoding of a PodList costs, as the measured programs in Rust do: one
// line of JSON. CPU is the whole process's, since the collector works beside the decoder.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func cpu() float64 {
	var used syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return float64(used.Utime.Sec+used.Stime.Sec) + float64(used.Utime.Usec+used.Stime.Usec)/1e6
}

func memory() (live, allocations uint64) {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc, stats.Mallocs
}

func middle(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}

func main() {
	if len(os.Args) != 3 {
		check(fmt.Errorf("usage: go-decode json|protobuf FILE"))
	}
	mediaType := map[string]string{"json": "application/json", "protobuf": "application/vnd.kubernetes.protobuf"}[os.Args[1]]
	file, err := os.ReadFile(os.Args[2])
	check(err)
	info, ok := kruntime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), mediaType)
	if !ok {
		check(fmt.Errorf("no decoder is called %s", os.Args[1]))
	}
	// What the typed clients decode with.
	decoder := scheme.Codecs.WithoutConversion().DecoderToVersion(info.Serializer, corev1.SchemeGroupVersion)
	decode := func() *corev1.PodList {
		var list corev1.PodList
		_, _, err := decoder.Decode(file, nil, &list)
		check(err)
		return &list
	}

	live, allocations := memory()
	kept := decode()
	liveAfter, allocationsAfter := memory()
	count := float64(len(kept.Items))
	runtime.KeepAlive(kept)
	kept = nil
	runtime.GC()

	// A small file takes too little time to be seen on this clock: many at once, and the collector once for them.
	batch := max(1, 2000/int(count))
	var decodes, drops []float64
	for len(decodes) < 3 {
		lists := make([]*corev1.PodList, batch)
		start := cpu()
		for i := range lists {
			lists[i] = decode()
		}
		decoded := cpu()
		runtime.KeepAlive(lists)
		lists = nil
		runtime.GC()
		decodes = append(decodes, (decoded-start)*1e6/count/float64(batch))
		drops = append(drops, (cpu()-decoded)*1e6/count/float64(batch))
	}
	fmt.Printf(`{"items": %v, "bytes": %d, "decode_us": %v, "drop_us": %v, "heap_bytes": %v, "allocations": %v}`+"\n",
		count, len(file), middle(decodes), middle(drops),
		float64(liveAfter-live)/count, float64(allocationsAfter-allocations)/count)
}
