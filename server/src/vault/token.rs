//! Sealed tokens that clients store for the server. Only the server can read or make them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{VaultError, WorkspaceKeys, aead};

const TOKEN_VERSION: u8 = 1;

impl WorkspaceKeys {
    /// Seals bytes into a token for one purpose. The client sends the token back.
    ///
    /// The key is derived from the index key, because a data key may be replaced while clients still have tokens.
    pub fn seal_token(&self, purpose: &str, plaintext: &[u8]) -> Result<String, VaultError> {
        let associated = self.token_data(purpose);
        let sealed = aead::seal(
            &self.index.token,
            &associated,
            &[TOKEN_VERSION],
            [plaintext, &[]],
        )
        .map_err(|_| VaultError::TooLarge)?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a token that was sealed for this purpose in this workspace; `None` for any other text.
    #[must_use]
    pub fn open_token(&self, purpose: &str, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let sealed = sealed.strip_prefix(&[TOKEN_VERSION])?;
        aead::open(&self.index.token, &self.token_data(purpose), sealed).ok()
    }

    fn token_data(&self, purpose: &str) -> Vec<u8> {
        aead::bound_to(
            TOKEN_VERSION,
            [self.workspace.as_bytes(), purpose.as_bytes()],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MasterKey, MasterKeys, Purpose, Vault};

    #[test]
    fn a_token_opens_for_its_purpose_in_its_workspace_alone_and_survives_a_new_data_key() {
        let vault = Vault::new(MasterKeys::from(&MasterKey::generate()));
        let mut wrapped = vault.create_workspace_keys("ws_1").expect("keys");
        let keys = vault.open_workspace("ws_1", &wrapped).expect("opens");
        let token = keys
            .seal_token("cursor leads_list", b"Budi")
            .expect("a token");
        let opened = |token: &str| keys.open_token("cursor leads_list", token);
        assert_eq!(opened(&token).expect("opens").as_slice(), b"Budi");
        assert!(
            keys.open_token("cursor conversions_pending", &token)
                .is_none()
        );
        assert!(opened(&token[1..]).is_none());
        assert!(opened("").is_none());

        let wrapped_elsewhere = vault.create_workspace_keys("ws_2").expect("keys");
        let elsewhere = vault
            .open_workspace("ws_2", &wrapped_elsewhere)
            .expect("opens");
        assert!(elsewhere.open_token("cursor leads_list", &token).is_none());

        wrapped.retain(|key| key.purpose == Purpose::Index);
        wrapped.push(vault.create_key("ws_1", Purpose::Data, 2).expect("a key"));
        let rotated = vault.open_workspace("ws_1", &wrapped).expect("opens");
        assert!(rotated.open_token("cursor leads_list", &token).is_some());
    }
}
