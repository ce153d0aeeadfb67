//! Where personal data must not be: the database's files and columns, and the log.

mod database;
mod log;
mod traces;

use serde_json::{Value, json};

/// Personal data that is nowhere else in this repository.
const FIRST_NAME: &str = "Zubaidahtul";
const LAST_NAME: &str = "Wirahadikusumawati";
const EMAIL: &str = "Zubaidahtul.W@contoh-rahasia.example";
const LOCAL_PHONE: &str = "0812-9735-1864";
const E164_PHONE: &str = "+6281297351864";
const NOTES: &str = "Menunggu kabar soal cicilan rumah di Cipinangmelayu";
const SUBJECT: &str = "Nomor Zubaidahtul tidak tersambung";
const MESSAGE: &str = "Tolong hubungi suaminya di Gang Kelapapuyuh nomor tujuh";

/// What is stored as it is, so that a search that finds nothing at all is noticed.
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
