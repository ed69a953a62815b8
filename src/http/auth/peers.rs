//! Users of this host whom the kernel vouches for.

use std::sync::Arc;

use nix::unistd::geteuid;

use crate::api::Caller;
use crate::config::access;
use crate::http::peer::Peer;
use crate::model::Role;

/// Who comes in through a unix socket without a password.
pub struct Peers {
    /// Root, and whoever the daemon itself is.
    own: [(u32, Caller); 2],
    users: Vec<(u32, Caller)>,
    groups: Vec<(u32, Caller)>,
}

impl Peers {
    /// Those of the configuration, each of whom may do no more than `most`.
    #[must_use]
    pub fn new(allowed: &access::Peers, most: Role) -> Self {
        let caller = |peer: &access::AllowedPeer, name| {
            (peer.id, Caller { role: peer.role.min(most), name: Some(name) })
        };
        let own = |uid: u32, name: &str| (uid, Caller { role: most, name: Some(name.into()) });
        let uid = geteuid().as_raw();
        Self {
            own: [own(0, "root"), own(uid, &format!("user {uid}"))],
            users: allowed.users.iter().map(|user| caller(user, user.name.clone())).collect(),
            groups: allowed
                .groups
                .iter()
                .map(|group| caller(group, Arc::from(format!("@{}", group.name))))
                .collect(),
        }
    }

    /// Who a peer is: of all that it may be, the one who may do most.
    #[must_use]
    pub fn caller(&self, peer: &Peer) -> Option<&Caller> {
        let Peer::Unix { uid, .. } = peer else {
            return None;
        };
        let users = self.own.iter().chain(&self.users).filter(|(id, _)| id == uid);
        let groups = self.groups.iter().filter(|(id, _)| peer.is_in(*id));
        // Of equals the first: a person's own name says more than a group's.
        let all = users.chain(groups).map(|(_, caller)| caller);
        all.reduce(|best, next| if next.role > best.role { next } else { best })
    }
}
