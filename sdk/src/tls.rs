//! TLS by rustls with ring, configured here so that no program has to install a provider.

use std::{error::Error as StdError, io, sync::Arc};

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::Error;

/// The TLS settings. reqwest wants some without encryption too; then no certificates are loaded, which a
/// small container may not have.
pub(crate) fn config(encrypted: bool) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::config(format!("TLS cannot be set up: {error}")))?;
    let builder = if encrypted {
        builder.with_platform_verifier().map_err(|error| {
            Error::config(format!("no certificates to trust on this machine: {error}"))
        })?
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Whether TLS itself failed, an untrusted certificate for example. A retry does not help.
pub(crate) fn refused(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        // The source of an I/O error skips the error that it wraps.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    false
}
