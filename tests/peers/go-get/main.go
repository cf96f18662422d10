// go-get URL CONCURRENCY json|protobuf prints what reading one pod with client-go costs, as the measured programs in
// Rust do: one line of JSON.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	warm     = 200
	requests = 20000
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

func main() {
	if len(os.Args) != 4 {
		check(fmt.Errorf("usage: go-get URL CONCURRENCY json|protobuf"))
	}
	tasks, err := strconv.Atoi(os.Args[2])
	check(err)
	// No limit on the client's side. The format is named in both cases: left empty, it is protobuf for these types.
	config := &rest.Config{Host: os.Args[1], QPS: -1}
	config.ContentType = "application/json"
	if os.Args[3] == "protobuf" {
		config.ContentType = "application/vnd.kubernetes.protobuf"
	}
	config.AcceptContentTypes = config.ContentType
	clients, err := kubernetes.NewForConfig(config)
	check(err)
	pods := clients.CoreV1().Pods("default")
	all := func(requests int) {
		var running sync.WaitGroup
		for range tasks {
			running.Add(1)
			go func() {
				defer running.Done()
				for range requests / tasks {
					_, err := pods.Get(context.Background(), "p", metav1.GetOptions{})
					check(err)
				}
			}()
		}
		running.Wait()
	}
	all(max(warm, tasks))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, used := time.Now(), cpu()
	all(requests)
	used = cpu() - used
	passed := time.Since(start).Seconds()
	runtime.ReadMemStats(&after)
	count := float64(requests / tasks * tasks)
	fmt.Printf("{\"cpu_us\": %g, \"per_second\": %g, \"allocations\": %g, \"allocated_bytes\": %g}\n",
		used*1e6/count, count/passed, float64(after.Mallocs-before.Mallocs)/count,
		float64(after.TotalAlloc-before.TotalAlloc)/count)
}
