//! What an application may do to licence requests and answers.

use bytes::Bytes;
use telecine_engine::drm::session::{KeyRequest, KeyResponse};
use telecine_engine::{Body, FetchRequest, NetworkEvent, ResponseHead};
use tokio::sync::mpsc;

use crate::fetch::Fetcher;

/// Rewrites licence requests before they are sent, and answers before the player sees them: adds tokens, wraps
/// challenges and unwraps licences as a service wants it. Also asked for certificates, provisioning and key files of
/// samples; [`KeyRequest::kind`] tells them apart.
///
/// The methods are called on the player's runtime, once for each try of a request, and should return soon.
///
/// ```
/// use telecine::drm::session::{Header, KeyRequest, KeyResponse};
/// use telecine::{LicenceFilter, Player};
///
/// struct Tokens;
///
/// impl LicenceFilter for Tokens {
///     fn request(&self, request: &mut KeyRequest) {
///         request.headers.push(Header::new("X-Token", "of the day"));
///     }
/// }
///
/// # async fn build() -> Result<(), telecine::Error> {
/// let player = Player::builder().licence_filter(Tokens).build()?;
/// # Ok(()) }
/// ```
pub trait LicenceFilter: Send + Sync {
    /// Rewrites a request: its URL, headers and body. Without a body it is got, not posted.
    fn request(&self, request: &mut KeyRequest) {
        let _ = request;
    }

    /// Rewrites an answer of whatever status.
    fn response(&self, request: &KeyRequest, response: &mut KeyResponse) {
        let _ = (request, response);
    }
}

/// Makes a licence request with an application's filter around it.
pub(crate) async fn fetch(
    fetcher: &Fetcher,
    filter: &dyn LicenceFilter,
    mut request: Box<FetchRequest>,
    title: &str,
    events: &mpsc::Sender<NetworkEvent>,
) {
    let Some(licence) = &mut request.licence else { return fetcher.fetch(&request, title, events).await };
    filter.request(licence);
    licence.url.as_str().clone_into(&mut request.url);
    let (sender, receiver) = mpsc::channel(4);
    let fetching = async {
        fetcher.fetch(&request, title, &sender).await;
        drop(sender);
    };
    let (answer, ()) = tokio::join!(collect(receiver), fetching);
    let answer = match (answer, &request.licence) {
        (Ok((head, body)), Some(licence)) => {
            let mut response = KeyResponse { status: head.status, body: body.into(), retry_after: None };
            filter.response(licence, &mut response);
            let body = Bytes::copy_from_slice(response.body.expose());
            let head = ResponseHead { status: response.status, content_length: Some(body.len() as u64), ..*head };
            let id = request.id;
            vec![
                NetworkEvent::Head(Box::new(head)),
                NetworkEvent::Chunk { id, data: Body::Bytes(body) },
                NetworkEvent::End { id },
            ]
        }
        (Err(failure), _) => failure.into_iter().collect(),
        (Ok(_), None) => Vec::new(),
    };
    for event in answer {
        // A closed channel wants nothing any more.
        if events.send(event).await.is_err() {
            return;
        }
    }
}

async fn collect(
    mut events: mpsc::Receiver<NetworkEvent>,
) -> Result<(Box<ResponseHead>, Vec<u8>), Option<NetworkEvent>> {
    let (mut head, mut body) = (None, Vec::new());
    while let Some(event) = events.recv().await {
        match event {
            NetworkEvent::Head(found) => head = Some(found),
            NetworkEvent::Chunk { data: Body::Bytes(bytes), .. } => body.extend_from_slice(&bytes),
            NetworkEvent::Chunk { .. } | NetworkEvent::End { .. } => {}
            failed @ NetworkEvent::Failed { .. } => return Err(Some(failed)),
        }
    }
    head.map(|head| (head, body)).ok_or(None)
}
