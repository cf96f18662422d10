// go-informer URL follow|lookup list|stream json|protobuf REPEAT prints what following pods with client-go's shared informer
// costs, as the measured programs in Rust do: one line of JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func seconds(who int) float64 {
	var used syscall.Rusage
	check(syscall.Getrusage(who, &used))
	return float64(used.Utime.Sec+used.Stime.Sec) + float64(used.Utime.Usec+used.Stime.Usec)/1e6
}

func cpu() float64 { return seconds(syscall.RUSAGE_SELF) }

// threadCPU is of the thread that a goroutine has locked itself to.
func threadCPU() float64 { return seconds(1 /* RUSAGE_THREAD */) }

// memory says how much is resident, and the most that ever was, in MiB.
func memory() (resident, peak float64) {
	status, err := os.ReadFile("/proc/self/status")
	check(err)
	for _, line := range strings.Split(string(status), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "VmRSS:":
			resident = kib / 1024
		case "VmHWM:":
			peak = kib / 1024
		}
	}
	return
}

type last struct {
	Events              int
	LastResourceVersion string
}

// ask tells the server to begin (POST), or asks what would come (GET).
func ask(method, url, repeat string) last {
	request, err := http.NewRequest(method, url+"/go?repeat="+repeat, nil)
	check(err)
	response, err := http.DefaultClient.Do(request)
	check(err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		check(fmt.Errorf("the server has no events: %s", response.Status))
	}
	var answer last
	check(json.NewDecoder(response.Body).Decode(&answer))
	return answer
}

type informer struct {
	store cache.Indexer
	told  atomic.Int64
	last  atomic.Value
	done  chan struct{}
}

func (i *informer) event(object any) {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	i.told.Add(1)
	if object.(*corev1.Pod).ResourceVersion == i.last.Load().(string) {
		i.done <- struct{}{}
	}
}

const byUID = "uid"

// start returns when the store is complete.
func start(url, strategy, format string) *informer {
	if strategy == "list" {
		check(os.Setenv("KUBE_FEATURE_WatchListClient", "false"))
	}
	// No limit on the client's side. The format is named in both cases: left empty, it is protobuf for these types.
	config := &rest.Config{Host: url, QPS: -1}
	config.ContentType = "application/json"
	if format == "protobuf" {
		config.ContentType = "application/vnd.kubernetes.protobuf"
	}
	config.AcceptContentTypes = config.ContentType
	clients, err := kubernetes.NewForConfig(config)
	check(err)
	i := &informer{done: make(chan struct{}, 1)}
	i.last.Store("-")
	factory := informers.NewSharedInformerFactory(clients, 0)
	pods := factory.Core().V1().Pods().Informer()
	check(pods.AddIndexers(cache.Indexers{byUID: func(object any) ([]string, error) {
		return []string{string(object.(*corev1.Pod).UID)}, nil
	}}))
	_, err = pods.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(object any, initial bool) {
			if !initial {
				i.event(object)
			}
		},
		UpdateFunc: func(_, object any) { i.event(object) },
		DeleteFunc: i.event,
	})
	check(err)
	factory.Start(context.Background().Done())
	// WaitForCacheSync looks every 100 ms, which would show.
	for !pods.HasSynced() {
		time.Sleep(time.Millisecond)
	}
	i.store = pods.GetIndexer()
	return i
}

func (i *informer) expect(url, repeat string) last {
	last := ask("GET", url, repeat)
	i.told.Store(0)
	i.last.Store(last.LastResourceVersion)
	return last
}

func follow(url, strategy, format, repeat string) map[string]any {
	var before, synced, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, used := time.Now(), cpu()
	i := start(url, strategy, format)
	wall, used := time.Since(began).Seconds(), cpu()-used
	runtime.ReadMemStats(&synced)
	pods := float64(len(i.store.ListKeys()))
	time.Sleep(time.Second)
	resident, peak := memory()

	last := i.expect(url, repeat)
	began, eventUsed := time.Now(), cpu()
	ask("POST", url, repeat)
	<-i.done
	eventWall, eventUsed := time.Since(began).Seconds(), cpu()-eventUsed
	afterResident, afterPeak := memory()
	runtime.ReadMemStats(&after)
	told := i.told.Load()
	events := float64(last.Events)
	// What lives, which the collector has to be asked for.
	runtime.GC()
	var alive runtime.MemStats
	runtime.ReadMemStats(&alive)
	return map[string]any{
		"pods":              pods,
		"sync_wall_ms":      wall * 1e3,
		"sync_cpu_us":       used * 1e6 / pods,
		"sync_peak_mib":     peak,
		"sync_rss_mib":      resident,
		"sync_allocations":  float64(synced.Mallocs-before.Mallocs) / pods,
		"events":            events,
		"told":              told,
		"events_per_second": events / eventWall,
		"event_cpu_us":      eventUsed * 1e6 / events,
		"event_allocations": float64(after.Mallocs-synced.Mallocs) / events,
		"after_peak_mib":    afterPeak,
		"after_rss_mib":     afterResident,
		"after_heap_mib":    float64(alive.HeapAlloc) / (1 << 20),
	}
}

// shuffle is the same disorder as in the other clients.
func shuffle(values []string) {
	chance := uint64(0x9e3779b97f4a7c15)
	for at := len(values) - 1; at > 0; at-- {
		chance ^= chance << 13
		chance ^= chance >> 7
		chance ^= chance << 17
		other := int(chance % uint64(at+1))
		values[at], values[other] = values[other], values[at]
	}
}

// each says what one of so many things takes in nanoseconds of CPU; all have to be found every time.
func each(count int, work func() int) float64 {
	before, rounds := threadCPU(), 0
	for {
		if work() != count {
			check(fmt.Errorf("something was not found"))
		}
		rounds++
		if used := threadCPU() - before; used > 0.3 && rounds >= 3 {
			return used * 1e9 / float64(rounds*count)
		}
	}
}

func (i *informer) get(keys []string) int {
	found := 0
	for _, key := range keys {
		if _, ok, _ := i.store.GetByKey(key); ok {
			found++
		}
	}
	return found
}

func (i *informer) byUID(uids []string) int {
	found := 0
	for _, uid := range uids {
		if objects, err := i.store.ByIndex(byUID, uid); err == nil {
			found += len(objects)
		}
	}
	return found
}

func (i *informer) visit() int {
	lengths := 0
	for _, object := range i.store.List() {
		lengths += len(object.(*corev1.Pod).Name)
	}
	return lengths
}

func lookup(url, strategy, format, repeat string) map[string]any {
	runtime.LockOSThread()
	i := start(url, strategy, format)
	time.Sleep(time.Second)
	keys := i.store.ListKeys()
	sort.Strings(keys)
	shuffle(keys)
	uids := i.store.ListIndexFuncValues(byUID)
	sort.Strings(uids)
	shuffle(uids)
	figures := map[string]any{"pods": len(keys)}
	figures["get_ns"] = each(len(keys), func() int { return i.get(keys) })
	figures["get_owned_ns"] = figures["get_ns"]
	figures["index_ns"] = each(len(uids), func() int { return i.byUID(uids) })
	lengths := 0
	figures["visit_us"] = each(1, func() int { lengths = i.visit(); return 1 }) / 1e3
	if lengths <= len(keys) {
		check(fmt.Errorf("names have lengths"))
	}
	// The collection of one moment that does not change any more.
	figures["snapshot_ns"] = each(1, func() int { return len(i.store.List()) / len(keys) })

	few := keys[:min(len(keys), 1000)]
	i.expect(url, repeat)
	var stop atomic.Bool
	var running sync.WaitGroup
	beside := func(work func() int) *float64 {
		cost := new(float64)
		running.Add(1)
		go func() {
			defer running.Done()
			runtime.LockOSThread()
			before, count := threadCPU(), 0
			for !stop.Load() {
				count += work()
			}
			*cost = (threadCPU() - before) * 1e9 / float64(count)
		}()
		return cost
	}
	gets := beside(func() int { i.get(few); return len(few) })
	visits := beside(func() int { i.visit(); return 1 })
	ask("POST", url, repeat)
	<-i.done
	stop.Store(true)
	running.Wait()
	figures["writer_get_ns"], figures["writer_get_owned_ns"] = *gets, *gets
	figures["writer_visit_us"] = *visits / 1e3
	return figures
}

func main() {
	if len(os.Args) != 6 {
		check(fmt.Errorf("usage: go-informer URL follow|lookup list|stream json|protobuf REPEAT"))
	}
	url, mode, strategy, format, repeat := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	var figures map[string]any
	switch mode {
	case "follow":
		figures = follow(url, strategy, format, repeat)
	case "lookup":
		figures = lookup(url, strategy, format, repeat)
	default:
		check(fmt.Errorf("there is no mode %q: follow or lookup", mode))
	}
	line, err := json.Marshal(figures)
	check(err)
	fmt.Println(string(line))
}
