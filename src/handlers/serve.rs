//! A handler as the runtime takes it.

use super::{Workplace, WorkplaceError};
use crate::functiongraph::{Diagnostic, Environment, Invocation, Service, service_fn};

/// The service that hands every invocation to `handle`. An environment that it cannot work in is the answer to each of them.
pub(super) fn serve<Answer, Error, Handle>(
    environment: &Environment,
    handle: Handle,
) -> impl Service<Invocation, Response = Answer, Error = Diagnostic> + Clone + use<Answer, Error, Handle>
where
    Handle: AsyncFn(&Workplace, Invocation) -> Result<Answer, Error> + Clone,
    Diagnostic: From<Error>,
{
    let workplace = Workplace::new(environment).map_err(<Diagnostic as From<WorkplaceError>>::from);
    service_fn(move |invocation| {
        let (workplace, handle) = (workplace.clone(), handle.clone());
        async move { Ok(handle(&workplace?, invocation).await?) }
    })
}
