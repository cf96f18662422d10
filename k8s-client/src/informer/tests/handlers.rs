//! Handlers: one that panics, blocks or is slow harms nobody else.

use std::sync::{Arc, Mutex, mpsc};

use tokio::sync::Notify;

use super::{Event, Server, caught_up, heard, start, word};
use crate::test_log;

type Words = Arc<Mutex<Vec<String>>>;

fn note(words: &Words) -> impl Fn(&str) + Clone + Send + use<> {
    let words = words.clone();
    move |word| words.lock().unwrap().push(word.to_owned())
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_goes_on_with_the_next_event() {
    let log = test_log::capture();
    let (server, client) = Server::start();
    let cache = start(&client);
    let words = Words::default();
    let told = note(&words);
    let handler = cache.on_event(move |event| {
        let told = told.clone();
        async move {
            let word = word(&event);
            assert!(word != "+a=2", "no two");
            told(&word);
        }
    });
    // Before it has made its future, too.
    let early = cache.on_event(|event| {
        assert!(!matches!(event, Event::Applied(_)), "never");
        async {}
    });
    let blocking = cache.on_event_blocking(|event| assert!(!matches!(event, Event::Applied(_)), "never"));
    let mut healthy = cache.subscribe();
    heard(&mut healthy, "synced").await;
    for text in ["1", "2", "3"] {
        server.put("ns", "a", text);
    }
    heard(&mut healthy, "+a=3").await;
    cache.stop().await;
    assert_eq!(*words.lock().unwrap(), ["synced", "+a=1", "+a=3"]);
    let panics = [&handler, &early, &blocking].map(|handler| handler.behind().panics);
    assert_eq!(panics, [1, 3, 3]);
    let log = log.take();
    assert!(
        log.contains("a handler of configmaps panicked, and goes on with the next event: no two"),
        "{log}"
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_delays_only_itself() {
    let (server, client) = Server::start();
    let cache = start(&client);
    let (open, words) = (Arc::new(Notify::new()), Words::default());
    let (gate, told) = (open.clone(), note(&words));
    let handler = cache.subscribe().capacity(1).on_event(move |event| {
        let (gate, told) = (gate.clone(), told.clone());
        async move {
            gate.notified().await;
            told(&word(&event));
        }
    });
    let mut other = cache.subscribe();
    heard(&mut other, "synced").await;
    for text in 1..=50 {
        server.put("ns", "a", &text.to_string());
        heard(&mut other, &format!("+a={text}")).await;
    }
    assert!(handler.behind().coalesced >= 47 && handler.is_running(), "{handler:?}");
    open.notify_one();
    while handler.behind().pending > 0 {
        open.notify_one();
        tokio::task::yield_now().await;
    }
    let opening = tokio::spawn(async move {
        loop {
            open.notify_one();
            tokio::task::yield_now().await;
        }
    });
    cache.stop().await;
    opening.abort();
    assert_eq!(words.lock().unwrap().last().unwrap(), "+a=50");
}

#[tokio::test(start_paused = true)]
async fn one_that_blocks_its_thread_delays_only_itself() {
    let (server, client) = Server::start();
    let cache = start(&client);
    let (open, gate) = mpsc::channel();
    let words = Words::default();
    let told = note(&words);
    let handler = cache.on_event_blocking(move |event| {
        gate.recv().unwrap();
        told(&word(&event));
    });
    let mut other = cache.subscribe();
    heard(&mut other, "synced").await;
    // There is one thread for all of this: were it blocked, nothing would go on.
    for text in 1..=20 {
        server.put("ns", "a", &text.to_string());
        heard(&mut other, &format!("+a={text}")).await;
    }
    assert!(words.lock().unwrap().is_empty() && handler.behind().pending > 0);
    (0..21).for_each(|_| open.send(()).unwrap());
    // It has done what it was told before it is stopped.
    cache.stop().await;
    assert_eq!(words.lock().unwrap().len(), 21);
    assert!(!handler.is_running());
}

#[tokio::test(start_paused = true)]
async fn one_that_is_dropped_is_not_called_any_more() {
    let (server, client) = Server::start();
    let cache = start(&client);
    let words = Words::default();
    let told = note(&words);
    let handler = cache.on_event_blocking(move |event| told(&word(&event)));
    let mut other = cache.subscribe();
    heard(&mut other, "synced").await;
    cache.until(|_| !words.lock().unwrap().is_empty() || handler.behind().pending == 0).await.unwrap();
    drop(handler);
    server.put("ns", "a", "1");
    caught_up(&cache, &server).await;
    heard(&mut other, "+a=1").await;
    cache.stop().await;
    assert!(!words.lock().unwrap().contains(&"+a=1".to_owned()));
}
