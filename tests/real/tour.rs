//! `k8s-client/examples/tour.rs` as the program that it is.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use k8s_api::core::v1::Namespace;
use k8s_client::testing::{Fault, Listening, Server};
use k8s_tests::blocking;

/// What has to be in its lines, in this order; the first two words are the beginning of the line.
pub(crate) const LINES: &[(&str, &str)] = &[
    ("1 configure", "https"),
    ("2 create", "namespace tour-"),
    ("3 create", "deployment web, which wants 3 pods of busybox:1.36"),
    ("4 follow", "an informer saw them come up: web-"),
    ("5 patch", "the informer's index finds 0 pods of busybox:1.36, 3 of busybox:1.37"),
    ("6 scale", "to 5: the informer has 5 pods"),
    ("7 conflict", "a replace is refused with 409"),
    ("retry", "tries, and 4 changes were made"),
    ("8 cut", "needs the server in memory"),
    ("9 log", "of web-"),
    ("10 delete", "namespace tour-"),
    ("done", "in "),
];

/// Where it is another on the server in memory.
const IN_MEMORY: &[(&str, &str)] = &[
    ("1 configure", "http://127.0.0.1:"),
    ("8 cut", "all watches, and web-"),
    ("resume", "1 watch from where it was, 0 lists, and nothing was missed"),
    ("9 log", ": hello from web-"),
];

/// Each of them, in order, and nothing else.
pub(crate) fn check(printed: &str, wanted: &[(&str, &str)]) {
    let lines: Vec<_> =
        printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines.len(), wanted.len(), "{printed}");
    for (line, (begins, has)) in lines.iter().zip(wanted) {
        assert!(line.starts_with(begins) && line.contains(has), "`{line}` is not {begins}: {has}\n{printed}");
    }
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_example-tour"))
}

#[tokio::test]
async fn all_of_it_with_its_own_server() {
    let output = blocking(|| Ok(command().output()?)).await;
    let mut wanted: Vec<_> = LINES.to_vec();
    for line in IN_MEMORY {
        match wanted.iter().position(|known| known.0 == line.0) {
            Some(at) => wanted[at] = *line,
            None => wanted.insert(9, *line),
        }
    }
    let (printed, error) = words(&output);
    assert!(output.status.success() && error.is_empty(), "{printed}{error}");
    check(&printed, &wanted);
}

/// A server whose context is `embedded`; nobody makes pods there, so the tour waits for ever.
async fn without_controllers() -> (Server, Listening, tempfile::TempDir) {
    let server = Server::new();
    let listening = server.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config"), listening.kubeconfig()).unwrap();
    (server, listening, folder)
}

fn on(folder: &tempfile::TempDir) -> Command {
    let mut command = command();
    command.args(["--context", "embedded"]).env("KUBECONFIG", folder.path().join("config"));
    command
}

fn words(output: &Output) -> (String, String) {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

async fn left_behind(server: &Server) -> Vec<String> {
    let namespaces = server.client().cluster::<Namespace>().list().await.unwrap().items;
    let names = namespaces.iter().map(|it| it.metadata.name.to_string());
    names.filter(|name| name.starts_with("tour-")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_one_leaves_nothing_behind() {
    let (server, _listening, folder) = without_controllers().await;
    let output = blocking(move || {
        let mut child = on(&folder).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while !lines.next().unwrap()?.trim_start().starts_with('3') {}
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status()?.success());
        Ok(child.wait_with_output()?)
    })
    .await;
    assert_eq!((output.status.code(), words(&output).1), (Some(1), "error: interrupted\n".to_owned()));
    assert_eq!(left_behind(&server).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_one_says_why_in_a_line_and_leaves_nothing_behind() {
    let (server, _listening, folder) = without_controllers().await;
    server.inject(Fault::status(403).path("/deployments"));
    let output = blocking(move || Ok(on(&folder).output()?)).await;
    let (printed, error) = words(&output);
    assert_eq!(
        (output.status.code(), printed.lines().count(), error.lines().count()),
        (Some(1), 2, 1),
        "{error}"
    );
    assert!(error.starts_with("error: create deployments.apps ") && error.contains("403"), "{error}");
    assert_eq!(left_behind(&server).await, [""; 0]);
}

#[tokio::test]
async fn nobody_who_reads_it_is_no_failure() {
    let output = blocking(|| {
        let mut child = command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        drop(child.stdout.take());
        Ok(child.wait_with_output()?)
    })
    .await;
    assert!(output.status.success(), "{}", words(&output).1);
}
