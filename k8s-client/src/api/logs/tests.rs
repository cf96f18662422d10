use futures_util::StreamExt as _;
use k8s_api::core::v1::Pod;
use k8s_api::transport::Lane;

use crate::api::testing::{Answer, client, ok, refused};

#[test]
fn lines_come_as_they_are_written() {
    let pieces = Answer::Pieces(vec!["2026-11-21T19:34:28Z a", "b\r", "\n2026-11-21T19:34:29.5Z c"], false);
    let (client, server, clock) =
        client([pieces, Answer::Pieces(vec!["a\nb"], true), refused(400, "BadRequest", "")]);
    let pods = client.namespaced::<Pod>("web");
    let since = "2026-11-21T19:34:28Z".parse().unwrap();
    let lines = pods.logs("p").container("c").since(since).follow().timestamps().lines();
    let lines: Vec<_> = clock.run(lines.collect::<Vec<_>>()).into_iter().map(Result::unwrap).collect();
    let shown: Vec<_> =
        lines.iter().map(|line| (line.time.unwrap().to_string(), line.text().into_owned())).collect();
    assert_eq!(shown[0], ("2026-11-21T19:34:28.000000Z".to_owned(), "ab".to_owned()));
    assert_eq!(shown[1], ("2026-11-21T19:34:29.500000Z".to_owned(), "c".to_owned()));

    // What broke off is no line.
    let lines = clock.run(pods.logs("p").tail(5).lines().collect::<Vec<_>>());
    assert_eq!(lines[0].as_ref().unwrap().text(), "a");
    let error = lines[1].as_ref().unwrap_err();
    assert!(error.to_string().contains("get pods/log") && lines.len() == 2, "{error}");

    assert!(clock.run(pods.logs("p").lines().collect::<Vec<_>>())[0].is_err());
    let seen = server.seen();
    let path = "GET /api/v1/namespaces/web/pods/p/log";
    assert_eq!(
        seen[0].line,
        format!("{path}?container=c&sinceTime=2026-11-21T19%3A34%3A28Z&follow=true&timestamps=true")
    );
    assert_eq!(seen[1].line, format!("{path}?tailLines=5"));
    // Neither has a deadline; one that ends by itself must go on.
    assert_eq!((seen[0].lane, seen[0].limits), (Lane::Watch, (None, None)));
    assert_eq!((seen[1].lane, seen[1].limits), (Lane::Watch, (None, Some(30_000))));
}

#[test]
fn awaited_it_is_all_there_is() {
    let (client, server, clock) = client([ok("a\nb\n")]);
    let pods = client.namespaced::<Pod>("web");
    assert_eq!(clock.run(pods.logs("p").previous().into_future()).unwrap(), "a\nb\n");
    assert_eq!(server.seen()[0].limits.0, Some(60_000));
}
