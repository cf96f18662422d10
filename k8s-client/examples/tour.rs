//! A tour of what there is, in about a second: `cargo run -p k8s-client --features testing --example tour`. It brings its own API
//! server, in memory; `-- --context NAME` takes the same tour on a cluster of yours, in a namespace that goes away in the end.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use futures_util::future::try_join_all;
use k8s_api::apps::v1::Deployment;
use k8s_api::core::v1::{Container, Namespace, Pod, PodPhase, PodSpec};
use k8s_client::api::Patch;
use k8s_client::informer::{Event, Handler};
use k8s_client::testing::{Recorded, Server};
use k8s_client::{Api, Client, Informer, Kubeconfig};
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const OLD: &str = "busybox:1.36";
const NEW: &str = "busybox:1.37";
/// A cluster may have to fetch the images first.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let began = Instant::now();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let context = match &arguments[..] {
        [] => None,
        [flag, name] if flag == "--context" => Some(name.as_str()),
        _ => return Err("the only argument is --context NAME, with a context of your kubeconfig".into()),
    };

    // A program of yours says `Client::infer()`, which finds a kubeconfig, or what a pod has. Here a context is named, or
    // the kubeconfig is that of a server which is started now.
    let server = Server::new();
    let listening;
    let (config, server) = match context {
        Some(name) => (Kubeconfig::load()?.config(name)?, None),
        None => {
            listening = server.listen(([127, 0, 0, 1], 0).into()).await?;
            (Kubeconfig::parse(&listening.kubeconfig())?.config(None)?, Some(&server))
        }
    };
    say(1, "configure", &config);
    let client = Client::new(config)?;

    // From here on, what is made is removed again, also after Ctrl-C.
    let interrupted = tokio::spawn(tokio::signal::ctrl_c());
    let mut namespace = Namespace::default();
    namespace.metadata.generate_name = "tour-".into();
    let namespaces = client.cluster::<Namespace>();
    let namespace = namespaces.create(&namespace).await?.metadata.name;
    say(2, "create", format!("namespace {namespace}, for this tour alone"));
    let ended = tokio::select! {
        ended = tour(&client, &namespace, server) => ended,
        _ = interrupted => Err("interrupted".into()),
    };
    // However it ended.
    if let Err(error) = namespaces.delete(&namespace).await {
        let why = ended.err().map_or(String::new(), |why| format!("{why}; and "));
        return Err(format!("{why}the namespace {namespace} is left behind: {error}").into());
    }
    ended?;
    say(10, "delete", format!("namespace {namespace}, with all that was in it"));
    let seconds = began.elapsed().as_secs_f32();
    say("", "done", format!("in {seconds:.1} s; this was k8s-client/examples/tour.rs"));
    Ok(())
}

async fn tour(client: &Client, namespace: &str, server: Option<&Server>) -> Result<()> {
    let deployments = client.namespaced::<Deployment>(namespace);
    let pods = client.namespaced::<Pod>(namespace);
    let _controller = server.map(|server| {
        server.logs(|log| Some(format!("hello from {}\n", log.pod)));
        controller(client, namespace)
    });

    deployments.create(&web()).await?;
    say(3, "create", format!("deployment web, which wants 3 pods of {OLD}"));

    // A store of these pods that one watch keeps up to date, with an index of our own.
    let mut informer = Informer::new(pods.clone());
    informer.labels("app=web");
    let by_image = informer.index(|pod: &Pod| images(&pod.spec));
    let cache = informer.start();
    cache.synced_within(PATIENCE).await?;
    let running = async |count: usize, image: &str| -> Result<()> {
        let all = cache.until(|pods| {
            let runs = |pod: &&Pod| pod.status.phase == PodPhase::Running;
            pods.len() == count && pods.by(&by_image, image).filter(runs).count() == count
        });
        match tokio::time::timeout(PATIENCE, all).await {
            Ok(all) => Ok(all?),
            Err(_) => Err(format!("after {PATIENCE:?} there are no {count} running pods of {image}").into()),
        }
    };
    running(3, OLD).await?;
    let seen = cache.snapshot();
    let names: Vec<_> = seen.iter().map(|pod| pod.metadata.name.as_str()).collect();
    say(4, "follow", format!("an informer saw them come up: {}", names.join(", ")));

    let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": NEW}]}}}});
    deployments.patch("web", &Patch::strategic(image)).await?;
    running(3, NEW).await?;
    let seen = cache.snapshot();
    let [old, new] = [OLD, NEW].map(|image| seen.by(&by_image, image).count());
    say(5, "patch", format!("the image: the informer's index finds {old} pods of {OLD}, {new} of {NEW}"));

    deployments.scale_to("web", 5).await?;
    running(5, NEW).await?;
    let seen = cache.snapshot();
    say(6, "scale", format!("to 5: the informer has {} pods", seen.len()));

    // What was read before somebody else changed it can't be written any more.
    let mut outdated = deployments.get("web").await?;
    deployments.patch("web", &Patch::merge(json!({"metadata": {"labels": {"owner": "them"}}}))).await?;
    outdated.metadata.labels.insert("owner".into(), "me".into());
    match deployments.replace(&outdated).await {
        Err(error) if error.is_conflict() => {
            say(7, "conflict", "a replace is refused with 409, since somebody else was faster");
        }
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("somebody else's change was overwritten".into()),
    }
    // `modify` reads and changes it again, for as long as somebody else is faster.
    let tries = AtomicU32::new(0);
    let visit = |web: &mut Deployment| {
        tries.fetch_add(1, Ordering::Relaxed);
        let count = visits(web) + 1;
        web.metadata.annotations.insert("visits".into(), count.to_string().into());
    };
    try_join_all((0..4).map(|_| deployments.modify("web", visit).into_future())).await?;
    let (tries, made) = (tries.into_inner(), visits(&deployments.get("web").await?));
    say("", "retry", format!("4 times `modify`, all at once: {tries} tries, and {made} changes were made"));

    let pod = seen.iter().next().map(|pod| pod.metadata.name.as_str()).ok_or("all pods are gone")?;
    match server {
        Some(server) => {
            server.take_requests();
            server.cut_watches();
            let cut = json!({"metadata": {"labels": {"cut": "yes"}}});
            let changed = pods.patch(pod, &Patch::merge(cut)).await?;
            // Until the informer has what was written here.
            cache.at_least(&pods.token(&changed)?, PATIENCE).await?;
            let asked = server.take_requests();
            let asked: Vec<_> = asked.iter().filter(|it| it.query.contains("labelSelector=app")).collect();
            let resumes = |it: &&&Recorded| it.query.contains("watch=") && !it.query.contains("sendInitial");
            let watches = asked.iter().filter(resumes).count();
            let lists = asked.len() - watches;
            say(8, "cut", format!("all watches, and {pod} was changed meanwhile"));
            say(
                "",
                "resume",
                format!("{watches} watch from where it was, {lists} lists, and nothing was missed"),
            );
        }
        None => say(8, "cut", "needs the server in memory: it can cut a watch on request"),
    }

    let mut log = pods.logs(pod).tail(1).lines();
    let line = log.try_next().await?.map_or("nothing yet".into(), |line| line.text().into_owned());
    say(9, "log", format!("of {pod}: {line}"));
    Ok(())
}

/// A line of the tour; what was closed in the middle of it is no reason to leave things behind.
fn say(number: impl Display, what: &str, text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{number:>2}  {what:<10} {text}");
}

fn web() -> Deployment {
    let mut web = Deployment::default();
    web.metadata.name = "web".into();
    web.spec.replicas = Some(3);
    web.spec.selector.get_or_insert_default().match_labels.insert("app".into(), "web".into());
    let template = &mut web.spec.template;
    template.metadata.labels.insert("app".into(), "web".into());
    template.spec.termination_grace_period_seconds = Some(1);
    template.spec.containers.push(Container {
        name: "web".into(),
        image: OLD.into(),
        command: ["sh", "-c", "echo hello from $HOSTNAME; sleep 3600"].map(Into::into).into(),
        ..Default::default()
    });
    web
}

fn images(spec: &PodSpec) -> Vec<String> {
    spec.containers.iter().map(|container| container.image.to_string()).collect()
}

fn visits(web: &Deployment) -> u32 {
    web.metadata.annotations.get("visits").and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// What controllers and kubelets do in a cluster, in little, for the server in memory has none.
fn controller(client: &Client, namespace: &str) -> Handler {
    let pods = client.namespaced::<Pod>(namespace);
    let deployments = Informer::new(client.namespaced::<Deployment>(namespace)).start();
    deployments.on_event(move |event| {
        let pods = pods.clone();
        async move {
            let Event::Applied(deployment) = event else { return };
            if let Err(error) = reconcile(&pods, &deployment).await {
                eprintln!("{error}");
            }
        }
    })
}

/// Makes the pods as the deployment wants them: so many, of its image, running.
async fn reconcile(pods: &Api<Pod>, deployment: &Deployment) -> k8s_client::Result<()> {
    let template = &deployment.spec.template;
    let (good, bad): (Vec<Pod>, Vec<Pod>) =
        pods.list().await?.items.into_iter().partition(|pod| images(&pod.spec) == images(&template.spec));
    let wanted = deployment.spec.replicas.and_then(|count| usize::try_from(count).ok()).unwrap_or(1);
    for pod in bad.iter().chain(good.iter().skip(wanted)) {
        pods.delete(&pod.metadata.name).grace_period(0).await?;
    }
    for _ in good.len()..wanted {
        let mut pod = Pod::default();
        pod.metadata.generate_name = format!("{}-", deployment.metadata.name).into();
        pod.metadata.labels = template.metadata.labels.clone();
        pod.spec = template.spec.clone();
        let pod = pods.create(&pod).await?;
        pods.status()
            .patch(&pod.metadata.name, &Patch::merge(json!({"status": {"phase": "Running"}})))
            .await?;
    }
    Ok(())
}
