// go-follow URL follows all pods with client-go's shared informer and its defaults, and prints what it holds after each
// change: one line of JSON.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"

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

type held struct {
	Version string            `json:"version"`
	UID     string            `json:"uid"`
	Labels  map[string]string `json:"labels"`
	Images  []string          `json:"images"`
	Phase   string            `json:"phase"`
}

func main() {
	if len(os.Args) != 2 {
		check(fmt.Errorf("usage: go-follow URL"))
	}
	clients, err := kubernetes.NewForConfig(&rest.Config{Host: os.Args[1]})
	check(err)
	factory := informers.NewSharedInformerFactory(clients, 0)
	pods := factory.Core().V1().Pods().Informer()
	var printing sync.Mutex
	show := func() {
		printing.Lock()
		defer printing.Unlock()
		all := map[string]held{}
		for key, object := range indexed(pods) {
			labels, images := map[string]string{}, []string{}
			for name, value := range object.Labels {
				labels[name] = value
			}
			for _, container := range object.Spec.Containers {
				images = append(images, container.Image)
			}
			all[key] = held{object.ResourceVersion, string(object.UID), labels, images, string(object.Status.Phase)}
		}
		line, err := json.Marshal(all)
		check(err)
		fmt.Println(string(line))
	}
	_, err = pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { show() },
		UpdateFunc: func(any, any) { show() },
		DeleteFunc: func(any) { show() },
	})
	check(err)
	factory.Start(make(chan struct{}))
	select {}
}

func indexed(pods cache.SharedIndexInformer) map[string]*corev1.Pod {
	all := map[string]*corev1.Pod{}
	for _, object := range pods.GetIndexer().List() {
		pod := object.(*corev1.Pod)
		all[pod.Namespace+"/"+pod.Name] = pod
	}
	return all
}
