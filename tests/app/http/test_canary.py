"""A canary that is polled: looks at any time over the record, replayed byte for byte."""

from tests.app.http.service import POLICY, Service

CANARY = POLICY.replace("gates:", "defaults: {looks: anytime, n_plan: 2000}\ngates:")


def test_a_polled_canary_keeps_what_was_shown_and_refuses_fewer_examples(service: Service):
    service.publish(CANARY)
    early = service.submit(accuracy=(180, 200), attacks=(0, 100)).json()
    assert (early["verdict"], early["attempt"]) == ("escalate", 1)
    good = service.submit(accuracy=(950, 1000), attacks=(0, 500)).json()
    assert (good["verdict"], good["attempt"]) == ("pass", 2)
    same = service.submit(accuracy=(950, 1000), attacks=(0, 500)).json()
    assert (same["verdict"], same["attempt"]) == ("pass", 2)
    fewer = service.submit(accuracy=(949, 1000), attacks=(0, 490))
    assert fewer.status_code == 422
    assert fewer.json()["type"] == "shrinking-counts"
    later = service.submit(accuracy=(1720, 2000), attacks=(9, 900)).json()
    assert (later["verdict"], later["attempt"]) == ("pass", 3)
    replayed = service.call("POST", f"/v1/decisions/{later['id']}/replay").json()
    assert replayed == {**replayed, "identical": True, "differences": []}
    worse = service.submit(accuracy=(1720, 3000), attacks=(9, 900)).json()
    assert worse["verdict"] == "fail"
