"""The story, step by step. Each step runs what a user would run and insists on what it promises."""

import json
import re
import shlex
import time
from importlib.resources import files
from pathlib import Path

import click
import httpx

from app.cli.demo.training import Reader, train
from app.cli.demo.walk import StepFailed, Walk, clearance_command

MODEL = "digit-reader"
STAGE = "evaluation"


class Story:
    """One walk through the product in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.walk = Walk(folder)

    def tell(self) -> None:
        """Everything, in order. Raises StepFailed where a step does not do what it says."""
        started = time.monotonic()
        self._look_at_a_file()
        readers = self._train()
        self.walk.say("3. The service starts on an empty SQLite database and makes its first key.")
        with self.walk.service() as admin:
            click.echo(f"    listening on {self.walk.environment['CLEARANCE_URL']}")
            keys = self._make_keys()
            self.walk.act_as(admin)
            self.walk.say("4. The product lead's policy is published; versions are immutable.")
            self.walk.run("policy", "push", "policy.yaml")
            decisions = self._submit(readers, keys["pipeline"])
            self._settle(decisions["2"], keys)
            self._verify(decisions["2"], keys["ada"])
        self._end(time.monotonic() - started)

    def _look_at_a_file(self) -> None:
        source = files("app.cli.demo")
        for name in ("policy.yaml", "lm_eval_results.json"):
            (self.folder / name).write_bytes((source / name).read_bytes())
        self.walk.say("1. Any result file, without a service: what does it show, honestly?")
        self.walk.run("check", "lm_eval_results.json")

    def _train(self) -> list[Reader]:
        self.walk.say("2. Three versions of a digit reader are trained and tested (scikit-learn).")
        readers = train(self.folder)
        for reader in readers:
            share = reader.right / reader.tested
            click.echo(
                f"    version {reader.version}: learnt from {reader.learnt_from} pictures, "
                f"reads {reader.right} of {reader.tested} right ({share:.1%})"
            )
        return readers

    def _make_keys(self) -> dict[str, str]:
        """A key for the pipeline, and one for a person who may sign off."""
        made = {}
        for name, *options in (
            ("pipeline", "--role", "submitter", "--models", "digit-*"),
            ("ada", "--role", "reviewer:product_owner", "--person"),
        ):
            answer = self.walk.run(
                "key", "create", "--name", name, *options, "--output", "json", show=False
            )
            made[name] = json.loads(answer)["key"]
        click.echo("    keys made: `pipeline` (submits) and `ada` (a person, product owner)")
        return made

    def _submit(self, readers: list[Reader], pipeline: str) -> dict[str, str]:
        """Version 1 fails, 2 needs people, 3 passes; gives the decisions' ids."""
        self.walk.act_as(pipeline)
        told = {
            "1": (1, "Version 1 is plainly too weak: the evidence refutes it."),
            "2": (3, "Version 2 looks just good enough. Peers would pass it; is it shown?"),
            "3": (0, "Version 3 is shown to be good enough, overall and on every digit."),
        }
        found = {}
        for number, reader in enumerate(readers, 5):
            code, words = told[reader.version]
            self.walk.say(f"{number}. {words}")
            found[reader.version] = _id_in(self.walk.run(*self._submission(reader), expect=code))
        return found

    def _submission(self, reader: Reader) -> list[str]:
        named = ["--model", MODEL, "--version", reader.version, "--stage", STAGE]
        return ["submit", reader.results.name, *named]

    def _settle(self, decision: str, keys: dict[str, str]) -> None:
        walk = self.walk
        walk.say("8. The pipeline may not wave its own version through; a person may.")
        asked = ("decision", "show", decision, "--output", "json")
        shown = json.loads(walk.run(*asked, expect=3, show=False))
        review, digest = shown["review"]["id"], shown["digest"]
        answer = ["review", "approve", review, "--role", "product_owner", "--digest", digest]
        walk.act_as(keys["pipeline"])
        walk.run(*answer, expect=4)
        self._look_at_pages(keys["ada"], decision)
        walk.act_as(keys["ada"])
        walk.run(*answer, "--comment", "Good enough for a trial.")
        walk.run("status", "--model", MODEL, "--version", "2", "--stage", STAGE)

    def _look_at_pages(self, ada: str, decision: str) -> None:
        """What Ada sees in her browser: the queue, and what is asked of her."""
        url = self.walk.environment["CLEARANCE_URL"]
        headers = {"Authorization": f"Bearer {ada}"}
        for path, words in (("/", "For you"), (f"/decisions/{decision}", "Asked of you")):
            page = httpx.get(f"{url}{path}", headers=headers, timeout=30)
            if page.status_code != 200 or words not in page.text:
                raise StepFailed(f"the page {path} does not say {words!r}")
            click.echo(f"    Ada's page: {url}{path}")

    def _verify(self, decision: str, ada: str) -> None:
        walk = self.walk
        walk.act_as(ada)
        walk.say("9. Nobody has to believe us: the decision is decided again, and proven recorded.")
        walk.run("decision", "replay", decision)
        walk.run("audit", "prove", decision)
        page = walk.run("decision", "report", decision, "--as", "html", show=False)
        if "<svg" not in page:
            raise StepFailed("the report has no picture")
        (self.folder / "report.html").write_text(page, encoding="utf-8")

    def _end(self, seconds: float) -> None:
        self.walk.say(f"Done in {seconds:.0f} seconds. What lies here now:")
        click.echo(f"    {self.folder / 'report.html'}   the decision as a page; open it")
        click.echo(f"    {self.folder / 'policy.yaml'}   the policy, to play with")
        url = self.walk.environment["CLEARANCE_DATABASE_URL"]
        command = shlex.join(clearance_command())
        self.walk.say("Try next:")
        click.echo(f"    {command} check YOUR_RESULTS.json")
        click.echo(f"    {command} policy new --from YOUR_RESULTS.json")
        click.echo(f"    CLEARANCE_DATABASE_URL={url} {command} serve")
        click.echo("    then open http://127.0.0.1:8000/ and sign in with a person's key:")
        person = "--role reviewer:product_owner --name you --person"
        click.echo(f"    CLEARANCE_DATABASE_URL={url} {command} key create {person}")


def _id_in(answer: str) -> str:
    found = re.search(r"\bdec_[0-9a-f]+", answer)
    if found is None:
        raise StepFailed("the answer names no decision")
    return found[0]
