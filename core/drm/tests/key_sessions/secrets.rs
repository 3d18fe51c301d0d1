//! DRM-011: keys, licences and tokens appear in nothing that is shown or kept.

use super::*;
use telecine_drm::session::{Header, KeyAction};
use telecine_model::ErrorCode;

#[test]
fn nothing_secret_is_shown_by_commands_requests_reports_or_the_machine() {
    let script = CdmScript { challenge: b"SECRET-challenge".to_vec(), ..CdmScript::default() };
    let mut choice = choice(vec![capability()], false);
    choice.plans[0].headers = vec![Header::new("Authorization", "Bearer SECRET-token")];
    choice.plans[0].licence_urls = vec!["https://user:SECRET-pass@licence.example/wv?token=SECRET-query".into()];
    let url = choice.plans[0].licence_urls[0].clone();
    let mut world = Rig::new(ScriptedCdm::new(script), SessionPolicy::default(), 7);
    world
        .server
        .reply(url.as_str(), Reply::Status(500, None))
        .reply(url.as_str(), Reply::Bytes(b"SECRET-licence".to_vec()));
    world.sessions.start(choice, world.now);
    world.ask(&[1]);
    let mut shown = String::new();
    for _ in 0..40 {
        // Step by step, so that every state is seen.
        while let Some(action) = world.sessions.poll() {
            shown.push_str(&format!("{action:?}\n"));
            match action {
                KeyAction::Cdm(command) => telecine_drm::session::Cdm::execute(&mut world.cdm, command, world.now),
                KeyAction::Request(request) => world.server.request(&request, world.now),
                _ => {}
            }
        }
        world.run_for(Duration::from_millis(100));
        shown.push_str(&format!("{:?}\n{:?}\n", world.sessions, world.cdm.commands));
    }
    shown.push_str(&format!("{:?}\n{:?}\n", world.reports, world.server.requests));
    world.errors().iter().for_each(|error| shown.push_str(&error.to_string()));
    assert_eq!(world.availability(&[1]), Availability::Gone(ErrorCode::LicenceInvalid));
    assert!(shown.contains("licence.example"), "the server is named");
    if let Some(at) = shown.find("SECRET") {
        panic!("shown: …{}…", &shown[at.saturating_sub(200)..at + 40]);
    }
}
