//! Personal data must not appear in the files and columns of the database, nor in the log.

mod database;
mod erased;
mod log;
pub(crate) mod traces;

use konektor_server::domain::api_key::ApiKey;
use konektor_tests::Server;
use serde_json::{Value, json};

/// Personal data that occurs nowhere else in this repository.
const FIRST_NAME: &str = "Zubaidahtul";
const LAST_NAME: &str = "Wirahadikusumawati";
const EMAIL: &str = "Zubaidahtul.W@contoh-rahasia.example";
const LOCAL_PHONE: &str = "0812-9735-1864";
const E164_PHONE: &str = "+6281297351864";
const NOTES: &str = "Menunggu kabar soal cicilan rumah di Cipinangmelayu";
const SUBJECT: &str = "Nomor Zubaidahtul tidak tersambung";
const MESSAGE: &str = "Tolong hubungi suaminya di Gang Kelapapuyuh nomor tujuh";

/// A value that is stored in plain text. Finding it shows that the scan works.
const CAMPAIGN: &str = "Kampanye Terbuka";

fn lead() -> Value {
    json!({
        "firstName": FIRST_NAME, "lastName": LAST_NAME, "email": EMAIL, "phone": LOCAL_PHONE, "notes": NOTES,
        "campaignName": CAMPAIGN,
    })
}

fn ticket() -> Value {
    json!({"subject": SUBJECT, "message": MESSAGE})
}

/// Well-formed keys that are not valid: an unknown one, and one with a wrong secret.
async fn bad_keys(server: &Server) -> [String; 2] {
    let [unknown, forged] = [(), ()].map(|()| ApiKey::generate(&mut rand::rng()));
    server
        .key_with(&server.workspace, &[], |key| {
            forged.id().clone_into(&mut key.id);
        })
        .await;
    [unknown, forged].map(|key| key.text().to_string())
}

/// Sends a key in every supported way, and with a missing letter.
async fn must_be_refused(server: &Server, url: &str, key: &str) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for authorization in [
        format!("Bearer {key}"),
        format!("Bearer {}", &key[..key.len() - 1]),
        format!("Basic {key}"),
        key.to_owned(),
    ] {
        let request = http
            .post(format!("{url}/api/v2/agent/leads?api_key={key}"))
            .header("authorization", authorization)
            .header("idempotency-key", key)
            .json(&lead());
        assert_eq!(server.finish(request).await.status, 401);
    }
}
