//! The certificate authority of one cluster and what it signs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose,
};

/// A certificate and its private key as files in PEM.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
}

/// Signs for one cluster, and is forgotten with it.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: PathBuf,
}

impl Authority {
    /// Makes a new authority that keeps its files in `dir`.
    pub(super) fn new(dir: &Path, name: &str) -> Result<Authority> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, format!("{name} test authority"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)
            .context("making the certificate authority")?;
        let authority = Authority { issuer, dir: dir.to_owned() };
        write(&authority.identity().cert, &authority.pem())?;
        write(&authority.identity().key, &authority.issuer.key().serialize_pem())?;
        Ok(authority)
    }

    /// Its own certificate and key.
    pub(super) fn identity(&self) -> Identity {
        self.files("ca")
    }

    /// Its own certificate, which clients trust.
    pub(super) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a server that is reached under `names` and addresses.
    pub(super) fn server(&self, file: &str, names: &[&str]) -> Result<Identity> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, file);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(file, params)
    }

    /// A certificate that Kubernetes reads as user `user` of `groups`.
    pub(super) fn client(&self, user: &str, groups: &[&str]) -> Result<Identity> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, user);
        for group in groups {
            params.distinguished_name.push(DnType::OrganizationName, *group);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&user.replace(':', "-"), params)
    }

    /// A key pair without a certificate; `cert` is the public key.
    pub(super) fn signing_key(&self, file: &str) -> Result<Identity> {
        let key = KeyPair::generate()?;
        let files = self.files(file);
        write(&files.key, &key.serialize_pem())?;
        write(&files.cert, &key.public_key_pem())?;
        Ok(files)
    }

    fn sign(&self, file: &str, mut params: CertificateParams) -> Result<Identity> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let cert = params
            .signed_by(&key, &self.issuer)
            .with_context(|| format!("signing the certificate `{file}`"))?;
        let files = self.files(file);
        write(&files.key, &key.serialize_pem())?;
        write(&files.cert, &cert.pem())?;
        Ok(files)
    }

    fn files(&self, name: &str) -> Identity {
        Identity { cert: self.dir.join(format!("{name}.crt")), key: self.dir.join(format!("{name}.key")) }
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    super::state::write(path, text.as_bytes(), 0o600)
}
