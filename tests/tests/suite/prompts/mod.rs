//! What an agent does that has read SKILL.md: a shell with curl, `BASE` and `KONEKTOR_API_KEY`.

mod guide;
mod seven;

use konektor_tests::Server;
use serde_json::Value;
use tokio::process::Command;

/// Runs one line in bash, and answers the status and the body.
async fn shell(server: &Server, line: &str) -> (u16, String) {
    let line = format!("{line} -w '\\n%{{http_code}}'");
    let output = Command::new("bash")
        .args(["-euc", &line])
        .env("BASE", format!("{}/api/v2/agent", server.url))
        .env("KONEKTOR_API_KEY", &server.key)
        .env("NO_PROXY", "*")
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

/// The same for an answer in JSON that has to be a success.
async fn ask(server: &Server, line: &str) -> Value {
    let (status, body) = shell(server, line).await;
    assert!((200..300).contains(&status), "{line}: {status} {body}");
    serde_json::from_str(&body).unwrap()
}
