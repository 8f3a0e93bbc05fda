//! Who is asking, and so what exists for them.

use run::{Tenant, User};

/// A tenant, and within it one user or all of them. What is outside a scope answers as unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The tenant.
    pub tenant: Tenant,
    /// The one user whose threads and runs are visible; everything of the tenant if missing.
    pub user: Option<User>,
}

impl Scope {
    /// Everything of a tenant.
    pub fn tenant(tenant: Tenant) -> Self {
        Self { tenant, user: None }
    }

    /// A server without keys.
    pub fn local() -> Self {
        Self::tenant(Tenant::local())
    }

    /// Whether something of this tenant and creator is visible.
    pub fn sees(&self, tenant: &Tenant, created_by: Option<&User>) -> bool {
        self.tenant == *tenant
            && self
                .user
                .as_ref()
                .is_none_or(|user| created_by == Some(user))
    }
}
