//! AES-256-GCM with random nonces, for wrapped keys and records.

use aes_gcm::{AeadInOut, Aes256Gcm, Nonce, Tag};
use rand::Rng;
use zeroize::Zeroizing;

const NONCE_LENGTH: usize = 12;

/// The library's error, which intentionally gives no reason.
pub(super) use aes_gcm::Error;

/// Random bytes for keys and nonces.
#[expect(
    clippy::disallowed_methods,
    reason = "never a source that is handed in: a repeated seed would repeat nonces, which breaks GCM"
)]
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// Associated data: a version and parts, each after its length, so that no two lists have the same bytes.
pub(super) fn bound_to<const N: usize>(version: u8, parts: [&[u8]; N]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len() + size_of::<u64>()).sum();
    let mut data = Vec::with_capacity(1 + length);
    data.push(version);
    for part in parts {
        data.extend_from_slice(&(part.len() as u64).to_be_bytes());
        data.extend_from_slice(part);
    }
    data
}

/// Encrypts a plaintext and its padding to `header | nonce | ciphertext | tag`.
///
/// Random nonces of 96 bits are safe for 2^32 seals under one key (NIST SP 800-38D, 8.3).
pub(super) fn seal(
    cipher: &Aes256Gcm,
    associated: &[u8],
    header: &[u8],
    plaintext: [&[u8]; 2],
) -> Result<Vec<u8>, Error> {
    let nonce = random::<NONCE_LENGTH>();
    let mut sealed = [header, &nonce, plaintext[0], plaintext[1]].concat();
    let message = &mut sealed[header.len() + NONCE_LENGTH..];
    let tag = cipher.encrypt_inout_detached(&Nonce::from(nonce), associated, message.into())?;
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// Decrypts `nonce | ciphertext | tag` to the padded plaintext.
pub(super) fn open(
    cipher: &Aes256Gcm,
    associated: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LENGTH>().ok_or(Error)?;
    let (message, tag) = rest.split_last_chunk().ok_or(Error)?;
    let mut plaintext = Zeroizing::new(message.to_vec());
    let message = plaintext.as_mut_slice().into();
    cipher.decrypt_inout_detached(&Nonce::from(*nonce), associated, message, &Tag::from(*tag))?;
    Ok(plaintext)
}
