//! A real kube-apiserver recorded, and the recording played at once.

use k8s_client::testing::{Recorder, Replay};
use k8s_client::{Client, Config};
use k8s_tests::{blocking, cluster, is_embedded};

use crate::recorded::{check, file, session};

#[tokio::test]
async fn a_real_server_is_recorded_and_played_again() {
    if is_embedded() {
        return;
    }
    let kubeconfig = blocking(|| Ok(cluster().kubeconfig().to_owned())).await;
    let recorder = Recorder::new();
    let client = Client::builder(Config::from_kubeconfig(kubeconfig, None).unwrap()).recorder(&recorder);
    check(&session(&client.build().unwrap()).await.unwrap());
    let text = recorder.text().unwrap();
    assert!(!text.contains("hunter2"));
    let replay = Replay::parse(&text).unwrap();
    check(&session(&replay.client()).await.unwrap());
    replay.finish().unwrap();
    if std::env::var_os("K8S_TEST_RECORD").is_some() {
        std::fs::write(file(), text).unwrap();
    }
}
