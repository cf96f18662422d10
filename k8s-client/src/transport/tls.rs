//! Whom to trust, and which certificate to show.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls::{WantsVerifier, client::WantsClientCert};

use super::name;
use crate::config::{Identity, Pem, Server};
use crate::error::{Error, Result};

/// For a server, with the authority and the certificate of now.
pub(super) fn config(
    server: &Server,
    authority: Option<&Pem>,
    identity: Option<&Identity>,
) -> Result<ClientConfig> {
    let mut verifier = match server.tls.insecure {
        true => Arc::new(Anyone(provider())),
        false => verifier(authority)?,
    };
    if let Some(name) = name::held_against(server) {
        let name = ServerName::try_from(name.to_owned());
        let name = name.map_err(|error| Error::config("tls-server-name is no name").caused(error))?;
        verifier = Arc::new(ByName { name, inner: verifier });
    }
    let builder = start()?.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => with_identity(builder, identity)?,
    };
    // A resumed session is not looked at again, neither side's certificate: with every new connection they count as they are now.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// For other servers, which are shown no certificate.
pub(super) fn plain(authority: Option<&Pem>) -> Result<ClientConfig> {
    Ok(start()?.dangerous().with_custom_certificate_verifier(verifier(authority)?).with_no_client_auth())
}

/// Whether it can be trusted.
pub(super) fn check_authority(pem: &Pem) -> Result<()> {
    roots(pem).map(|_| ())
}

/// Whether a connection can be made with it.
pub(crate) fn check_identity(identity: &Identity) -> Result<()> {
    with_identity(start()?.with_root_certificates(RootCertStore::empty()), identity).map(|_| ())
}

fn with_identity(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    identity: &Identity,
) -> Result<ClientConfig> {
    let chain = certificates(identity.certificate.text.expose().as_bytes(), "client-certificate")?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.text.expose().as_bytes())
        // Its text may hold parts of the key.
        .map_err(|_| Error::config("client-key is not a private key in PEM (PKCS#8, PKCS#1 or SEC1)"))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| {
        Error::config("client-certificate and client-key do not work together").caused(error)
    })
}

/// For plain HTTP: trusts nobody.
pub(super) fn none() -> Result<ClientConfig> {
    Ok(start()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// With ring named here, no provider of the process is looked for, and a program may have any.
fn start() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::config("setting up TLS").caused(error))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn verifier(authority: Option<&Pem>) -> Result<Arc<dyn ServerCertVerifier>> {
    let Some(pem) = authority else {
        let system = rustls_platform_verifier::Verifier::new(provider())
            .map_err(|error| Error::config("reading the system's certificate authorities").caused(error))?;
        return Ok(Arc::new(system));
    };
    let roots = roots(pem)?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    Ok(verifier.map_err(|error| Error::config("setting up TLS").caused(error))?)
}

fn roots(pem: &Pem) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem.text.expose().as_bytes(), "certificate-authority")? {
        roots
            .add(certificate)
            .map_err(|error| Error::config("certificate-authority holds a bad certificate").caused(error))?;
    }
    Ok(roots)
}

fn certificates(pem: &[u8], field: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|error| Error::config(format!("{field} is not PEM")).caused(error))?;
    if read.is_empty() {
        return Err(Error::config(format!("{field} holds no certificate in PEM")));
    }
    Ok(read)
}

/// Holds the certificate against another name than that of the URL.
#[derive(Debug)]
struct ByName {
    name: ServerName<'static>,
    inner: Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for ByName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        self.inner.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Believes every certificate, but still wants the server to own it.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
