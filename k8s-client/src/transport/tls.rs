//! Whom to trust, and which certificate to show.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls::{WantsVerifier, client::WantsClientCert};

use crate::config::{Server, Tls};
use crate::error::{Error, Result};

pub(super) fn config(server: &Server) -> Result<ClientConfig> {
    let tls = &server.tls;
    let builder = trust(start()?, server)?;
    let Some(identity) = &tls.identity else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(identity.certificate.as_bytes(), "client-certificate")?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.expose().as_bytes())
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

fn trust(
    builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    server: &Server,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>> {
    let Tls { authority, insecure, .. } = &server.tls;
    if *insecure {
        tracing::warn!(
            server = %server,
            "insecure-skip-tls-verify: whoever answers is believed to be this server, and is sent the credentials"
        );
        return Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider()))));
    }
    let Some(pem) = authority else {
        let system = rustls_platform_verifier::Verifier::new(provider())
            .map_err(|error| Error::config("reading the system's certificate authorities").caused(error))?;
        return Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(system)));
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem.as_bytes(), "certificate-authority")? {
        roots
            .add(certificate)
            .map_err(|error| Error::config("certificate-authority holds a bad certificate").caused(error))?;
    }
    Ok(builder.with_root_certificates(roots))
}

fn certificates(pem: &[u8], field: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|error| Error::config(format!("{field} is not PEM")).caused(error))?;
    if read.is_empty() {
        return Err(Error::config(format!("{field} holds no certificate in PEM")));
    }
    Ok(read)
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
