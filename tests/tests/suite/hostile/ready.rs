//! `/readyz` while the server is busy.

use std::time::Duration;

use konektor_tests::both_engines;
use tokio::time::{Instant, sleep};

/// More requests than the database has connections for.
const REQUESTS: usize = 40;

both_engines! {
    async fn a_server_whose_connections_are_all_in_use_is_ready(server) {
        let locked = server.database.lock().await;
        let writes = (0..REQUESTS).map(|number| {
            let body = serde_json::json!({"firstName": format!("Budi {number}")});
            server.post("/leads", body)
        });
        let writes = futures::future::join_all(writes);
        let looks = async {
            sleep(Duration::from_millis(300)).await;
            // Longer than a single query takes.
            for _ in 0..5 {
                let began = Instant::now();
                assert_eq!(server.page("/readyz").await.status, 200);
                assert!(began.elapsed() < Duration::from_secs(1));
                sleep(Duration::from_millis(300)).await;
            }
            drop(locked);
        };
        tokio::join!(writes, looks);
    }
}
