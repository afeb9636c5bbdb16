"""create_app(): the service put together. Nothing is decided or stored here.

Long work runs in `clearance worker`, a process of its own, so that nothing of it is loaded here.
"""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import Engine

from app import errors, openapi, operations
from app.attestations import routes as attestation_routes
from app.audit import routes as export_routes
from app.auth import access, session_routes
from app.auth import routes as key_routes
from app.blobs import dataset_routes
from app.blobs import routes as blob_routes
from app.database import make_engine
from app.documents import routes as document_routes
from app.evaluations import clearance_routes, data_routes, decision_routes, report_routes
from app.evaluations import routes as evaluation_routes
from app.experiments import routes as experiment_routes
from app.glass import routes as glass_routes
from app.integrations.mlflow import routes as mlflow_routes
from app.ledger import routes as audit_routes
from app.ledger import tile_routes
from app.memory import give_back, keep_apart
from app.models import routes as model_routes
from app.notices import routes as notice_routes
from app.pages.routes import answering as answering_page
from app.pages.routes import decision as decision_page
from app.pages.routes import documents as document_pages
from app.pages.routes import keys as key_pages
from app.pages.routes import models as model_pages
from app.pages.routes import notices as notice_pages
from app.pages.routes import policies as policy_pages
from app.pages.routes import queue as queue_page
from app.pages.routes import record as record_pages
from app.pages.routes import remarking as remarking_page
from app.pages.routes import sign_in as sign_in_page
from app.pages.routes import static as static_files
from app.pages.routes import waivers as waiver_pages
from app.pages.routes.page_route import for_browser
from app.policies import catalogue_routes
from app.policies import routes as policy_routes
from app.reviews import routes as review_routes
from app.runtime import Clock, Runtime, start, utc_now
from app.settings import Settings
from app.telemetry import Observed, Telemetry
from app.waivers import routes as waiver_routes
from gates.statistics.special import betaincinv

if TYPE_CHECKING:
    from app.auth.identity_file import Identity

DESCRIPTION = (
    "A release gate for AI systems. A pipeline sends what its evaluation tools measured; the "
    "organisation's policy answers **pass**, **fail** or **escalate**; people settle what numbers "
    "cannot; and everything is in a record that anyone can verify."
)
ROUTERS = (
    evaluation_routes.router,
    data_routes.router,
    blob_routes.router,
    dataset_routes.router,
    decision_routes.router,
    report_routes.router,
    attestation_routes.router,
    attestation_routes.public,
    clearance_routes.router,
    review_routes.router,
    policy_routes.router,
    experiment_routes.router,
    catalogue_routes.router,
    model_routes.router,
    document_routes.router,
    waiver_routes.router,
    notice_routes.router,
    mlflow_routes.router,
    glass_routes.router,
    audit_routes.router,
    tile_routes.router,
    export_routes.router,
    key_routes.router,
    session_routes.router,
    operations.router,
    queue_page.router,
    decision_page.router,
    model_pages.router,
    policy_pages.router,
    record_pages.router,
    answering_page.router,
    sign_in_page.router,
    key_pages.router,
    notice_pages.router,
    waiver_pages.router,
    document_pages.router,
    remarking_page.router,
    static_files.router,
)


def create_app(settings: Settings, *, clock: Clock = utc_now) -> FastAPI:
    """The ASGI application for these settings; the database is opened when it starts.

    Raises SettingsError where the identity file does not load.
    """
    identity = access.configured(settings)
    engine = make_engine(settings)
    telemetry = Telemetry()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runtime = await asyncio.to_thread(_ready, settings, identity, engine, telemetry, clock)
        app.state.runtime = runtime
        _settle_memory()
        try:
            yield
        finally:
            await asyncio.to_thread(runtime.ledger.stop)
            await asyncio.to_thread(runtime.anchoring.stop)
            engine.dispose()

    app = FastAPI(
        title="Clearance",
        version=version("clearance"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in ROUTERS:
        app.include_router(router)
    routes = [r for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)]
    errors.install(app, routes, for_browser)
    app.add_middleware(Observed, telemetry=telemetry)
    app.openapi = lambda: openapi.schema_of(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def _ready(
    settings: Settings,
    identity: "Identity | None",
    engine: Engine,
    telemetry: Telemetry,
    clock: Clock,
) -> Runtime:
    # The numerical library loads at its first use; that is now, not in the first request.
    betaincinv(1, 1, 0.5)
    runtime = start(settings, engine, telemetry, clock, identity)
    runtime.anchoring.start()
    return runtime


def _settle_memory() -> None:
    """What was loaded stays; the collector need not walk it again for every few requests.

    Measured at 16 clients, full collections were half of the slowest answers' time.
    """
    gc.collect()
    keep_apart()
    # Loading leaves about 5 MB of holes.
    give_back()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
