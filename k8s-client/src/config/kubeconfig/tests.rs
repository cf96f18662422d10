use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Kubeconfig;
use crate::config::{Login, merge};
use crate::secret::Secret;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }
}

const FIRST: &str = "\
apiVersion: v1
kind: Config
future: {of: kubeconfig}
preferences: {colors: true}
clusters:
- name: red
  cluster: {server: 'https://red.example', certificate-authority: ca.pem, newer-field: 7}
contexts:
- {name: one, context: {cluster: red, user: ann}}
users:
- {name: ann, user: {token: first, unknown: [1, two]}}
";

const SECOND: &str = "\
current-context: two
clusters:
- {name: red, cluster: {server: 'https://wrong.example', tls-server-name: wrong}}
- {name: blue, cluster: {server: 'https://blue.example'}}
contexts:
- {name: two, context: {cluster: blue, user: bob, namespace: web}}
- {name: one, context: {cluster: blue}}
users:
- {name: ann, user: {token: second, as: wrong}}
- {name: bob, user: {tokenFile: token}}
";

const THIRD: &str = "current-context: one\nclusters: null\n";

#[test]
fn files_are_merged_as_kubectl_merges_them() {
    let it = Folder::new();
    it.write("a/ca.pem", "CA");
    it.write("b/token", "second");
    let files = [
        it.write("a/config", FIRST),
        it.path("missing"),
        it.write("b/config", SECOND),
        it.write("empty", ""),
        it.write("c/config", THIRD),
    ];
    let all = Kubeconfig::merge(files).unwrap();
    assert_eq!(all.current_context(), Some("two"), "of the first file that says one");
    let contexts: Vec<_> = all.contexts().into_iter().map(|it| (it.name, it.cluster, it.user)).collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        contexts,
        [("one".into(), "red".into(), some("ann")), ("two".into(), "blue".into(), some("bob"))]
    );

    // The first entry of a name wins as a whole: nothing is taken from the second one.
    let one = all.config("one").unwrap();
    assert_eq!((one.server.to_string().as_str(), one.namespace()), ("https://red.example", "default"));
    assert!(matches!(&one.login, Login::Token(token) if token.expose() == "first"));
    assert!(one.server.tls.server_name.is_none() && one.impersonation.is_none());
    // Paths are relative to the file that they stand in.
    assert_eq!(one.server.tls.authority.unwrap().text.expose(), "CA");
    let two = all.config(None).unwrap();
    assert_eq!((two.server.to_string().as_str(), two.namespace()), ("https://blue.example", "web"));
    assert!(matches!(&two.login, Login::TokenFile(path) if *path == it.path("b/token")));
}

#[test]
fn a_broken_file_among_many_is_an_error() {
    let it = Folder::new();
    let files = [it.write("a", FIRST), it.write("b", "users: 1")];
    let error = Kubeconfig::merge(files).unwrap_err().to_string();
    assert_eq!(error, format!("{}: users must be a list, but is a number", it.path("b").display()));
    let error = Kubeconfig::read(it.path("missing")).unwrap_err().to_string();
    assert!(error.contains("missing: can't be read: No such file"), "{error}");
    let error = Kubeconfig::merge([it.path("missing")]).unwrap().config(None).unwrap_err().to_string();
    assert_eq!(error, format!("{}: there is no such file", it.path("missing").display()));
}

#[test]
fn a_name_that_is_there_twice_in_one_file_is_refused() {
    let error = Kubeconfig::parse("users: [{name: a}, {name: a}]").unwrap_err().to_string();
    assert_eq!(error, "the kubeconfig: users: `a` is there twice");
    let error = Kubeconfig::parse("kind: Pod").unwrap_err().to_string();
    assert_eq!(error, "the kubeconfig: is a Pod, not a kubeconfig");
}

#[test]
fn what_is_written_back_keeps_what_is_not_known() {
    let it = Folder::new();
    it.write("ca.pem", "CA");
    let first = it.write("config", FIRST);
    let mut kubeconfig = Kubeconfig::read(&first).unwrap();
    kubeconfig.set_current_context("one").unwrap();
    kubeconfig.set_token("ann", Secret::new("third: # !")).unwrap();
    kubeconfig.set_namespace("one", "on").unwrap();
    assert!(
        matches!(&kubeconfig.config(None).unwrap().login, Login::Token(token) if token.expose() == "third: # !")
    );
    assert_eq!(it.text("config"), FIRST, "not yet");
    kubeconfig.save().unwrap();

    let again = Kubeconfig::read(&first).unwrap();
    let config = again.config(None).unwrap();
    assert!(matches!(&config.login, Login::Token(token) if token.expose() == "third: # !"));
    assert_eq!(config.namespace(), "on");
    let mut expected = super::Node::read(FIRST).unwrap();
    for (_, change) in [
        (0, super::Change::new(None, &["current-context"], Secret::new("one"))),
        (1, super::Change::new(Some((super::USERS, "ann".into())), &["token"], Secret::new("third: # !"))),
        (2, super::Change::new(Some((super::CONTEXTS, "one".into())), &["namespace"], Secret::new("on"))),
    ] {
        change.apply(&mut expected).unwrap();
    }
    assert_eq!(again.sources[0].root, expected);
    assert!(it.text("config").contains("newer-field: 7") && it.text("config").contains("colors: true"));
    assert!(!it.path("config.lock").exists());
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let it = Folder::new();
    let real = it.write("real", SECOND);
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&real, it.path("link")).unwrap();
    let mut kubeconfig = Kubeconfig::read(it.path("link")).unwrap();
    kubeconfig.set_current_context("one").unwrap();
    kubeconfig.save().unwrap();
    assert!(std::fs::symlink_metadata(it.path("link")).unwrap().is_symlink());
    assert_eq!(Kubeconfig::read(&real).unwrap().current_context(), Some("one"));
    let mode = std::fs::metadata(&real).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn changes_go_to_the_files_that_they_belong_to() {
    let it = Folder::new();
    let files = [it.write("a", FIRST), it.write("b", SECOND)];
    it.write("token", "file");
    let mut all = Kubeconfig::merge(files.clone()).unwrap();
    all.set_current_context("one").unwrap();
    all.set_token("bob", Secret::new("new")).unwrap();
    // Another program changes the file in the meantime.
    it.write("b", &SECOND.replace("namespace: web", "namespace: theirs"));
    all.save().unwrap();
    let now = Kubeconfig::merge(files).unwrap();
    assert_eq!(now.current_context(), Some("one"), "the first file wins, so it was written there");
    assert!(it.text("b").contains("current-context: two"));
    assert_eq!(now.config("two").unwrap().namespace(), "theirs");
    assert!(it.text("b").contains("new") && !it.text("a").contains("new\n"));
}

#[test]
fn what_can_not_be_changed_is_an_error() {
    let it = Folder::new();
    let mut all = Kubeconfig::read(it.write("config", SECOND)).unwrap();
    let place = it.path("config").display().to_string();
    let error = all.set_current_context("three").unwrap_err().to_string();
    assert_eq!(error, format!("{place}: there is no context `three`; the file has two, one"));
    let error = all.set_token("eve", Secret::new("hunter2")).unwrap_err().to_string();
    assert_eq!(error, format!("{place}: there is no user `eve`; the file has ann, bob"));
    // Somebody removes the user before it is written.
    all.set_token("bob", Secret::new("hunter2")).unwrap();
    it.write("config", FIRST);
    let error = all.save().unwrap_err().to_string();
    assert_eq!(error, format!("{place}: there is no user `bob` any more"));
    assert_eq!(it.text("config"), FIRST);
    let error = Kubeconfig::parse(FIRST).unwrap().set_token("ann", Secret::new("x")).unwrap_err().to_string();
    assert_eq!(error, "the kubeconfig: it was not read from a file, so it can't be changed");
}

#[test]
fn many_writers_lose_nothing() {
    let it = Folder::new();
    let users: String = (0..8).map(|n| format!("- {{name: u{n}, user: {{}}}}\n")).collect();
    let file = it.write("config", &format!("users:\n{users}"));
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let file = file.clone();
            std::thread::spawn(move || {
                let mut kubeconfig = Kubeconfig::read(file).unwrap();
                kubeconfig.set_token(&format!("u{n}"), Secret::new(format!("t{n}"))).unwrap();
                kubeconfig.save().unwrap();
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let text = it.text("config");
    assert!((0..8).all(|n| text.contains(&format!("token: t{n}"))), "{text}");
}

#[test]
fn a_lock_that_stays_says_what_to_do() {
    let it = Folder::new();
    let file = it.write("config", SECOND);
    it.write("config.lock", "");
    let error = super::Lock::take(&file, std::time::Duration::ZERO).unwrap_err().to_string();
    let shown = file.display();
    assert_eq!(
        error,
        format!(
            "another program is changing {shown}; if none is, remove {shown}.lock, which one left behind"
        )
    );
    assert!(it.path("config.lock").exists(), "it is not ours to remove");
}

#[test]
fn the_files_are_found_as_kubectl_finds_them() {
    let find = |variables: &[(&str, &str)]| {
        let variable = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        };
        merge::paths(variable).map_err(|error| error.to_string())
    };
    let home = ("HOME", "h");
    let paths = |names: &[&str]| names.iter().map(|name| Path::new(name).to_owned()).collect::<Vec<_>>();
    assert_eq!(find(&[home]).unwrap(), paths(&["h/.kube/config"]));
    assert_eq!(find(&[home, ("KUBECONFIG", "")]).unwrap(), paths(&["h/.kube/config"]));
    assert_eq!(find(&[home, ("KUBECONFIG", "a")]).unwrap(), paths(&["a"]));
    assert_eq!(find(&[("KUBECONFIG", ":b:a::b")]).unwrap(), paths(&["b", "a"]));
    assert_eq!(find(&[("KUBECONFIG", ":")]).unwrap_err(), "KUBECONFIG is set, but names no file");
    assert!(find(&[]).unwrap_err().contains("HOME"));
}
