//! The SDK against a real server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{
    FutureExt as _, StreamExt as _,
    future::{self, BoxFuture, select},
    stream,
};
use konektor_sdk::{
    AdPlatform, Client, ErrorCode, ErrorKind, LeadMatch, LeadPriority, LeadSource, LeadStatus,
    Plan, Retries, Retry, TicketPriority, TicketStatus, Timeframe,
};
use konektor_tests::{Options, Server, both_engines, start_server};
use serde_json::json;
use sqlx::Connection as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

both_engines! {
    async fn leads_are_created_read_changed_and_listed(server) {
        let leads = server.sdk().leads();
        let made = leads
            .create("Budi")
            .last_name("Santoso")
            .email("budi@example.com")
            .phone("0812-3456-7890")
            .external_ref("CRM-1024")
            .source(LeadSource::Whatsapp)
            .ad_platform(AdPlatform::Meta)
            .estimated_value(5_000_000.0)
            .send()
            .await
            .unwrap();
        assert_eq!(made.phone.as_deref(), Some("+6281234567890"));
        assert_eq!((&made.status, &made.priority), (&LeadStatus::New, &LeadPriority::Medium));
        assert_eq!(made.created_at.to_string(), "2025-01-15T10:30:00Z");
        for reference in [&made.id, &made.unique_code, "CRM-1024", "+62 812 3456 7890"] {
            assert_eq!(leads.get(reference).send().await.unwrap().id, made.id, "{reference}");
        }

        let changed = leads.update("CRM-1024").status(LeadStatus::Qualified).clear_email().send().await.unwrap();
        assert_eq!(changed.status, LeadStatus::Qualified);
        assert_eq!(changed.email, None);
        assert_eq!(changed.last_name.as_deref(), Some("Santoso"), "what is not set stays");
        let listed = leads.list().status(LeadStatus::Qualified).search("budi san").send().await.unwrap();
        assert_eq!(listed.items, [changed]);
        assert_eq!(listed.pagination.total, 1);
    }

    async fn an_upsert_says_whether_it_created(server) {
        let leads = server.sdk().leads();
        let upsert = |phone: &str| leads.upsert(LeadMatch::phone(phone)).first_name("Budi");
        let first = upsert("081234567890").send().await.unwrap();
        let second = upsert("+62 812-3456-7890").status(LeadStatus::Contacted).send().await.unwrap();
        assert_eq!((first.created, second.created), (true, false));
        assert_eq!(first.lead.id, second.lead.id);
        assert_eq!(second.lead.status, LeadStatus::Contacted);
        let none = leads.upsert(LeadMatch::external_ref("CRM-1")).create_if_missing(false).send().await.unwrap_err();
        assert_eq!(none.kind(), ErrorKind::NotFound);
    }

    async fn analytics_conversions_workspace_ticket_and_guide_are_read(server) {
        let konektor = server.sdk();
        for (name, status) in [("Budi", LeadStatus::Won), ("Siti", LeadStatus::New), ("Andi", LeadStatus::New)] {
            let lead = konektor.leads().create(name).status(status).actual_value(1500.5).campaign_name("Promo");
            lead.ad_platform(AdPlatform::Google).send().await.unwrap();
        }
        server.database.execute("update lead set conversion_sync_status = 'failed' where status = 'won'").await;

        let summary = konektor.analytics().summary().timeframe(Timeframe::Today).send().await.unwrap();
        assert_eq!((summary.total_leads, summary.new_leads, summary.total_conversions), (3, 2, 1));
        assert!((summary.total_conversion_value - 1500.5).abs() < f64::EPSILON);
        assert_eq!(summary.timeframe, "today");
        assert_eq!(summary.period.to.to_string(), "2025-01-15T16:59:59.999Z");
        let funnel = konektor.analytics().funnel().send().await.unwrap();
        assert_eq!(funnel.len(), 11);
        assert_eq!(funnel.iter().map(|stage| stage.count).sum::<i64>(), 3);
        let campaigns = konektor.analytics().campaigns().from("2025-01-15").send().await.unwrap();
        assert_eq!((campaigns[0].leads, campaigns[0].conversions), (3, 1));
        assert_eq!(campaigns[0].ad_platform, Some(AdPlatform::Google));

        let states = konektor.conversions().status().platform(AdPlatform::Google).send().await.unwrap();
        assert_eq!((states.failed, states.none), (1, 2));
        let pending = konektor.conversions().pending().send().await.unwrap();
        assert_eq!(pending.items[0].status, LeadStatus::Won);

        let workspace = konektor.workspace().show().send().await.unwrap();
        assert_eq!(workspace.subscription.plan, Plan::Custom);
        assert_eq!(workspace.usage.leads_per_day.current, 3);
        let ticket = konektor.support().create_ticket("A question", "How?").priority(TicketPriority::High);
        let ticket = ticket.send().await.unwrap();
        assert_eq!((&ticket.status, &ticket.priority), (&TicketStatus::New, &TicketPriority::High));

        let anybody = Client::builder().base_url(&server.url).build().unwrap();
        let (guide, meta) = anybody.skill().show().send_with_meta().await.unwrap();
        assert!(guide.contains(&server.url));
        assert_eq!(meta.rate_limit, None);
    }

    async fn a_stream_reads_every_page_with_its_filters(server) {
        let konektor = server.sdk();
        for number in 0..11 {
            let status = if number % 3 == 0 { LeadStatus::Hot } else { LeadStatus::New };
            konektor.leads().create(format!("Lead {number}")).status(status).send().await.unwrap();
            server.clock.advance(Duration::from_millis(1));
        }
        let mut stream = konektor.leads().list().status(LeadStatus::New).limit(2).stream();
        let mut names = Vec::new();
        while let Some(lead) = stream.try_next().await.unwrap() {
            names.push(lead.first_name);
        }
        assert_eq!(names, ["Lead 10", "Lead 8", "Lead 7", "Lead 5", "Lead 4", "Lead 2", "Lead 1"]);
        let last = stream.pagination().unwrap();
        assert_eq!((last.page, last.total_pages, last.total), (4, 4, 7));
        assert!(stream.meta().unwrap().rate_limit.is_some());
    }

    async fn pending_conversions_stream_over_pages_too(server) {
        for number in 0..5 {
            server.lead(json!({"firstName": format!("Lead {number}")})).await;
        }
        server.database.execute("update lead set conversion_sync_status = 'pending'").await;
        let mut stream = server.sdk().conversions().pending().limit(2).stream();
        let mut count = 0;
        while stream.try_next().await.unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, 5);
    }

    async fn failures_say_what_they_are(server) {
        let konektor = server.sdk();
        let refused = konektor.leads().create("").email("nobody").phone("12").send().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Validation);
        assert_eq!((refused.status(), refused.code()), (Some(400), Some(&ErrorCode::ValidationError)));
        let fields: Vec<_> = refused.details().keys().map(String::as_str).collect();
        assert_eq!(fields, ["email", "firstName", "phone"]);
        assert_eq!(refused.details()["email"], "Invalid email");
        assert_eq!(refused.request_id().unwrap().len(), 36);
        assert_eq!(refused.retry(), Retry::Never);

        let missing = konektor.leads().get("CRM-1").send().await.unwrap_err();
        assert_eq!((missing.kind(), missing.status()), (ErrorKind::NotFound, Some(404)));

        let reader = server.key_with(&server.workspace, &["agent.leads.read"], |_| ()).await;
        let forbidden = with_key(&server, &reader).workspace().show().send().await.unwrap_err();
        assert_eq!(forbidden.kind(), ErrorKind::Forbidden);
        assert!(forbidden.to_string().contains("agent.workspace.read"));

        let unknown = with_key(&server, "kna_0000000000_secret").workspace().show().send().await.unwrap_err();
        assert_eq!((unknown.kind(), unknown.code()), (ErrorKind::Unauthorized, Some(&ErrorCode::Unauthorized)));
        assert!(!format!("{unknown} {unknown:?}").contains("secret"));
    }

    async fn a_write_whose_answer_was_lost_is_sent_again_and_done_once(server) {
        let line = line_that_loses_every_other_answer(&server, nothing).await;
        let konektor = client(&line, &server.key, Retries::default());

        let (lead, meta) = konektor.leads().create("Budi").send_with_meta().await.unwrap();
        assert_eq!((meta.attempts, meta.replayed), (2, true));
        let upsert = konektor.leads().upsert(LeadMatch::external_ref("CRM-2")).first_name("Siti");
        let (upserted, meta) = upsert.send_with_meta().await.unwrap();
        assert_eq!((meta.attempts, meta.replayed), (2, true));
        assert!(upserted.created, "the replay says what the first answer said");
        let ticket = konektor.support().create_ticket("A question", "How?");
        let (_, meta) = ticket.send_with_meta().await.unwrap();
        assert_eq!((meta.attempts, meta.replayed), (2, true));
        let update = konektor.leads().update(&lead.id).status(LeadStatus::Won);
        let (_, meta) = update.send_with_meta().await.unwrap();
        assert_eq!((meta.attempts, meta.replayed), (2, true));

        assert_eq!(server.database.number("select count(*) from lead").await, 2);
        assert_eq!(server.database.number("select count(*) from ticket").await, 1);
    }

    async fn an_update_that_renames_is_found_again_though_its_answer_was_lost(server) {
        server.lead(json!({"firstName": "Budi", "externalRef": "OLD"})).await;
        let line = line_that_loses_every_other_answer(&server, nothing).await;
        let leads = client(&line, &server.key, Retries::default()).leads();

        let rename = leads.update("OLD").external_ref("OLD-new");
        let (renamed, meta) = rename.send_with_meta().await.unwrap();
        assert_eq!((meta.attempts, meta.replayed), (2, true));
        assert_eq!(renamed.external_ref.as_deref(), Some("OLD-new"));

        let clear = leads.update("OLD-new").clear_external_ref();
        let (cleared, meta) = clear.send_with_meta().await.unwrap();
        assert_eq!((meta.attempts, cleared.external_ref), (2, None));
    }

    async fn a_retry_of_an_update_overwrites_nothing_that_was_written_since(server) {
        let lead = server.sdk().leads().create("Budi").send().await.unwrap();
        let (others, id) = (server.sdk().leads(), lead.id.clone());
        let someone_else_wins_it = move || {
            let update = others.update(&id).status(LeadStatus::Won);
            async move { assert!(update.send().await.is_ok()) }.boxed()
        };
        let line = line_that_loses_every_other_answer(&server, someone_else_wins_it).await;
        let konektor = client(&line, &server.key, Retries::default());

        let contacted = konektor.leads().update(&lead.id).status(LeadStatus::Contacted);
        let (_, meta) = contacted.send_with_meta().await.unwrap();

        assert_eq!((meta.attempts, meta.replayed), (2, true));
        let now = server.sdk().leads().get(&lead.id).send().await.unwrap();
        assert_eq!(now.status, LeadStatus::Won);
    }

    async fn a_write_of_unknown_outcome_is_done_once_under_the_key_of_its_error(server) {
        let line = line_that_loses_every_other_answer(&server, nothing).await;
        let konektor = client(&line, &server.key, Retries::none());

        let create = konektor.leads().create("Budi");
        let lost = create.clone().send().await.unwrap_err();
        let Retry::WithKey(key, _) = lost.retry() else { panic!("{lost:?}") };
        let (made, meta) = create.idempotency_key(key).send_with_meta().await.unwrap();
        assert!(meta.replayed);

        let update = konektor.leads().update(&made.id).status(LeadStatus::Won);
        let lost = update.clone().send().await.unwrap_err();
        let key = lost.idempotency_key().unwrap().to_owned();
        assert!(matches!(lost.retry(), Retry::WithKey(..)));
        let (_, meta) = update.idempotency_key(key).send_with_meta().await.unwrap();
        assert!(meta.replayed);

        assert_eq!(server.database.number("select count(*) from lead").await, 1);
    }

    async fn every_call_has_a_key_of_its_own(server) {
        let konektor = server.sdk();
        let create = konektor.leads().create("Budi");
        let (one, first) = create.clone().send_with_meta().await.unwrap();
        let (two, second) = create.send_with_meta().await.unwrap();
        assert_ne!(one.id, two.id);
        assert!(!first.replayed && !second.replayed);
    }

    async fn a_call_under_a_key_of_ones_own_can_be_made_again(server) {
        let leads = server.sdk().leads();
        let create = leads.create("Budi").idempotency_key("order-1024");
        let (one, first) = create.clone().send_with_meta().await.unwrap();
        let (two, second) = create.send_with_meta().await.unwrap();
        assert_eq!((first.replayed, second.replayed), (false, true));
        assert_eq!(one, two);
        let reused = leads.create("Siti").idempotency_key("order-1024").send().await.unwrap_err();
        assert_eq!((reused.kind(), reused.status()), (ErrorKind::IdempotencyKeyReused, Some(422)));
        assert_eq!(reused.retry(), Retry::Never);
        assert!(reused.details().contains_key("Idempotency-Key"));
        assert_eq!(leads.list().send().await.unwrap().pagination.total, 1);
    }

    async fn a_call_whose_key_is_in_flight_waits_for_its_answer(server) {
        let impatient = client(&server.url, &server.key, Retries::none());
        let send = |konektor: &Client| {
            Box::pin(konektor.leads().create("Budi").idempotency_key("order-1024").send_with_meta())
        };
        let lock = server.database.lock().await;
        // The second request fails while the first one waits.
        let (told, waiting) = select(send(&impatient), send(&impatient)).await.factor_first();
        let told = told.unwrap_err();
        assert_eq!((told.kind(), told.status()), (ErrorKind::Conflict, Some(409)));
        assert_eq!(told.retry_after(), Some(Duration::from_secs(1)));
        assert_eq!(told.retry(), Retry::WithKey("order-1024".to_owned(), Duration::from_secs(1)));

        let the_first_is_done = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            lock.close().await.unwrap();
        };
        let (patient, first, ()) = tokio::join!(send(&server.sdk()), waiting, the_first_is_done);
        let ((one, patient), (two, first)) = (patient.unwrap(), first.unwrap());
        assert_eq!((patient.attempts, patient.replayed, first.replayed), (2, true, false));
        assert_eq!(one.id, two.id);
    }

    async fn a_server_without_its_database_is_an_error_worth_another_try(server) {
        server.store.close().await;
        let konektor = client(&server.url, &server.key, Retries::none());
        let away = konektor.workspace().show().send().await.unwrap_err();
        assert_eq!((away.kind(), away.status()), (ErrorKind::Server, Some(503)));
        assert_eq!(away.retry(), Retry::Safe(Duration::from_secs(5)));
        let write = konektor.leads().create("Budi").send().await.unwrap_err();
        assert_eq!(write.retry(), Retry::Safe(Duration::from_secs(5)), "503: nothing was done");
    }

    async fn the_request_id_is_the_one_in_the_servers_log(server) {
        let program = start_server(&server.database, "info");
        let konektor = Client::builder().api_key(&server.key).base_url(&program.url).build().unwrap();
        let (_, shown) = konektor.workspace().show().send_with_meta().await.unwrap();
        let missing = konektor.leads().get("CRM-1").send().await.unwrap_err();
        let log = program.into_log();
        for (id, operation) in [(shown.request_id.as_deref(), "workspace_show"), (missing.request_id(), "leads_get")] {
            assert!(log.lines().any(|line| line.contains(id.unwrap()) && line.contains(operation)), "{operation}");
        }
    }
}

both_engines! {
    options: Options { requests_per_minute: Some(60), ..Options::default() };

    async fn the_state_of_the_rate_limit_comes_with_every_answer(server) {
        let konektor = server.sdk();
        let (_, meta) = konektor.workspace().show().send_with_meta().await.unwrap();
        let first = meta.rate_limit.unwrap();
        assert_eq!((first.limit, first.remaining), (60, 59));
        assert_eq!(first.reset.as_second(), server.clock.now().as_second() + 1);
        let second = konektor.leads().get("CRM-1").send().await.unwrap_err().rate_limit().unwrap();
        assert_eq!(second.remaining, 58);
    }

    async fn over_the_limit_it_waits_as_long_as_it_is_told_and_succeeds(server) {
        let konektor = server.sdk();
        use_up(&konektor).await;
        // This client has not seen the rate limit yet.
        let other = server.sdk();
        let began = Instant::now();
        let waiting = other.workspace().show().send_with_meta();
        let (shown, ()) = tokio::join!(waiting, a_second_passes(&server));
        assert_eq!(shown.unwrap().1.attempts, 2);
        assert!(began.elapsed() >= Duration::from_secs(1), "Retry-After says 1");
    }

    async fn a_call_that_would_be_refused_waits_for_its_turn(server) {
        let konektor = server.sdk();
        use_up(&konektor).await;
        let began = Instant::now();
        let waiting = konektor.clone().workspace().show().send_with_meta();
        let (shown, ()) = tokio::join!(waiting, a_second_passes(&server));
        assert_eq!(shown.unwrap().1.attempts, 1);
        assert!(began.elapsed() >= Duration::from_millis(900), "one comes in a second");
    }

    async fn a_new_lead_over_the_limit_waits_too_and_is_created_once(server) {
        use_up(&server.sdk()).await;
        let waiting = server.sdk().leads().create("Budi").send_with_meta();
        let (made, ()) = tokio::join!(waiting, a_second_passes(&server));
        let (_, meta) = made.unwrap();
        assert_eq!((meta.attempts, meta.replayed), (2, false));
        assert_eq!(server.database.number("select count(*) from lead").await, 1);
    }

    async fn more_calls_than_the_limit_beside_each_other_are_hardly_ever_refused(server) {
        const CALLS: u32 = 66;

        let clock = server.clock.clone();
        let time = tokio::spawn(async move {
            let mut last = Instant::now();
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                clock.advance(last.elapsed());
                last = Instant::now();
            }
        });
        let konektor = server.sdk();
        let calls = (0..CALLS).map(|_| konektor.workspace().show().send_with_meta());
        let answers: Vec<_> = stream::iter(calls).buffer_unordered(8).collect().await;
        time.abort();

        let sent: u32 = answers.into_iter().map(|answer| answer.unwrap().1.attempts).sum();
        assert!(sent - CALLS <= 8, "{} refusals", sent - CALLS);
    }

    async fn without_retries_the_limit_is_told(server) {
        let konektor = client(&server.url, &server.key, Retries::none());
        use_up(&konektor).await;
        let limited = konektor.leads().create("Budi").send().await.unwrap_err();
        assert!(limited.is_rate_limited());
        assert_eq!(limited.retry(), Retry::Safe(Duration::from_secs(1)));
        assert_eq!(limited.rate_limit().unwrap().remaining, 0);
    }
}

both_engines! {
    options: Options { leads_per_day: Some(1), ..Options::default() };

    async fn the_limit_of_leads_a_day_is_told_at_once_and_holds_up_no_read(server) {
        let konektor = server.sdk();
        konektor.leads().create("Budi").send().await.unwrap();
        let began = Instant::now();

        let full = konektor.leads().create("Siti").send().await.unwrap_err();
        assert!(full.is_rate_limited());
        assert_eq!(full.attempts(), 1);
        assert!(full.retry_after().unwrap() > Duration::from_mins(10), "until midnight");
        konektor.leads().list().send().await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}

/// Uses up the rate limit.
async fn use_up(konektor: &Client) {
    for _ in 0..60 {
        konektor.workspace().show().send().await.unwrap();
    }
}

async fn a_second_passes(server: &Server) {
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.clock.advance(Duration::from_secs(1));
}

fn with_key(server: &Server, key: &str) -> Client {
    client(&server.url, key, Retries::default())
}

fn client(url: &str, key: &str, retries: Retries) -> Client {
    let builder = Client::builder().api_key(key).base_url(url);
    builder.retries(retries).build().unwrap()
}

/// An action between a lost response and the retry.
type Meanwhile = dyn Fn() -> BoxFuture<'static, ()> + Send + Sync;

fn nothing() -> BoxFuture<'static, ()> {
    future::ready(()).boxed()
}

/// Starts a proxy that drops every other response after the request was executed. Returns its URL.
async fn line_that_loses_every_other_answer(
    server: &Server,
    meanwhile: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let line = format!("http://{}", listener.local_addr().unwrap());
    let server = server.url.trim_start_matches("http://").to_owned();
    let carried = Arc::new(AtomicU32::new(0));
    let meanwhile: Arc<Meanwhile> = Arc::new(meanwhile);
    tokio::spawn(async move {
        while let Ok((caller, _)) = listener.accept().await {
            let meanwhile = Arc::clone(&meanwhile);
            tokio::spawn(carry(
                caller,
                server.clone(),
                Arc::clone(&carried),
                meanwhile,
            ));
        }
    });
    line
}

async fn carry(
    mut caller: TcpStream,
    server: String,
    carried: Arc<AtomicU32>,
    meanwhile: Arc<Meanwhile>,
) {
    while let Some(request) = message(&mut caller).await {
        let mut server = TcpStream::connect(&server).await.unwrap();
        server.write_all(&request).await.unwrap();
        let answer = message(&mut server).await.unwrap();
        if carried.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            meanwhile().await;
            return;
        }
        caller.write_all(&answer).await.unwrap();
    }
}

/// Reads the next HTTP message. Returns `None` at the end of the connection.
async fn message(connection: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    while !is_whole(&message) {
        if connection.read_buf(&mut message).await.unwrap() == 0 {
            return None;
        }
    }
    Some(message)
}

/// Whether the message is complete.
fn is_whole(message: &[u8]) -> bool {
    let text = String::from_utf8_lossy(message).to_ascii_lowercase();
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
    message.len() >= head.len() + 4 + length
}
