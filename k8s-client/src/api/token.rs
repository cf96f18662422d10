//! Tokens of service accounts.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use futures_util::future::BoxFuture;
use k8s_api::Resource;
use k8s_api::request::subresource::Token;
use k8s_api::request::{self, AsksForToken, HasSubresource, Place, verb};

use super::Api;
use super::modify::Options;
use crate::client::Client;
use crate::error::Result;

/// A request for a token that is to be sent.
#[must_use = "a request is sent when it is awaited"]
pub struct CreateToken<K: HasSubresource<Token>> {
    client: Client,
    place: Place<K::Scope>,
    name: String,
    asked: K::Object,
    options: Options,
}

impl<K: verb::Create<Token>> Api<K>
where
    <K as HasSubresource<Token>>::Object: AsksForToken,
{
    /// Makes a token of a service account; it is in `status.token` of what comes back.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// use std::time::Duration;
    ///
    /// use k8s_api::core::v1::ServiceAccount;
    ///
    /// let accounts = client.namespaced::<ServiceAccount>("web");
    /// let hour = Duration::from_secs(3600);
    /// let answer = accounts.create_token("api").audience("vault").expires_after(hour).await?;
    /// let token = answer.status.token;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_token(&self, name: &str) -> CreateToken<K> {
        let (client, place) = (self.client().clone(), self.place());
        CreateToken {
            client,
            place,
            name: name.to_owned(),
            asked: Default::default(),
            options: Options::default(),
        }
    }
}

impl<K: verb::Create<Token>> CreateToken<K>
where
    <K as HasSubresource<Token>>::Object: AsksForToken,
{
    fn change(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    k8s_api::__write_options!(methods);
    k8s_api::__manager_options!(methods);

    /// For one more audience, instead of the API server itself.
    pub fn audience(mut self, audience: &str) -> Self {
        self.asked.add_audience(audience);
        self
    }

    /// For so long; the server may decide otherwise, and says so in `status.expirationTimestamp`.
    pub fn expires_after(mut self, time: Duration) -> Self {
        self.asked.set_seconds(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        self
    }

    /// Only for as long as this pod, secret or node is there, as it was read.
    pub fn bound_to<O: Resource>(mut self, object: &O) -> Self {
        self.asked.bind_to(object);
        self
    }
}

impl<K: verb::Create<Token>> IntoFuture for CreateToken<K> {
    type Output = Result<<K as verb::Create<Token>>::Answer>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let mut request = request::Create::<K, Token>::with(self.place, &self.name, self.asked);
        for (name, value) in &self.options.0 {
            request.__set(name, value);
        }
        self.client.request(request).into_future()
    }
}

impl<K: HasSubresource<Token>> fmt::Debug for CreateToken<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateToken")
            .field("place", &self.place)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
