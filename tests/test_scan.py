"""A scan from end to end, with a small real scorer: every image once, whatever happens."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch

from audit import header, images, tally
from audit.catalog import Catalog
from audit.errors import CatalogBusy, CatalogMismatch, NoShards, ShardwardenError, UsageError
from audit.parts import Parts
from audit.plan import ScanOptions, ScanReport, default_out
from audit.progress import Tick
from audit.scan import scan
from audit.scorer import Scorer
from audit.shards import ShardReader, expand
from audit.threads import Channel, Stopped, Turns
from audit.verify import verify
from tests.catalogs import write_tar


@pytest.fixture(scope="module")
def scorer(small_scorer: Path) -> Scorer:
    return Scorer.load(small_scorer, device="cpu")


@pytest.fixture
def other_scorer(small_scorer: Path) -> Scorer:
    scorer = Scorer.load(small_scorer, device="cpu")
    with torch.no_grad():
        scorer.safety.head.query += 1
    return scorer.to("cpu")


def tars(folder: Path, *counts: int, broken: tuple[int, ...] = ()) -> Path:
    """Shards of so many images; the images numbered `broken` of the first are none."""
    for n, count in enumerate(counts):
        write_tar(folder / f"{n:05d}.tar", count, broken=() if n else broken, seed=n)
    return folder


def rows_of(catalog: Path) -> pa.Table:
    """All rows of all parts, in the order of shards and images."""
    parts = Parts(catalog)
    return pa.concat_tables(
        [parts.rows(shard_id).replace_schema_metadata() for shard_id in parts.shard_ids()]
    )


def assert_same_results(left: Path, right: Path) -> None:
    """Equal rows and embeddings; scores up to what another batch changes in the last bits."""
    ours, theirs = rows_of(left), rows_of(right)
    assert len(ours) == len(theirs)
    for name in ours.schema.names:
        a, b = ours[name], theirs[name]
        if name == "concepts":
            a, b = (pa.chunked_array([c.items for c in column.chunks]) for column in (a, b))
        if pa.types.is_floating(a.type):
            assert a.is_null().equals(b.is_null()), name
            np.testing.assert_allclose(
                a.drop_null().to_numpy(), b.drop_null().to_numpy(), atol=1e-5, err_msg=name
            )
        else:
            assert a.equals(b), name
    assert Parts(left).shard_ids() == Parts(right).shard_ids()
    for shard_id in Parts(left).shard_ids():
        np.testing.assert_allclose(
            Parts(left).embeddings(shard_id), Parts(right).embeddings(shard_id), atol=2e-3
        )


def test_every_image_has_a_row_and_the_books_balance(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "tars", 7, 1, 12, broken=(2,))
    report = scan([str(source)], tmp_path / "a", scorer)
    assert (report.shards, report.shards_done, report.shards_scanned) == (3, 3, 3)
    assert (report.members, report.scored, report.failed, report.other) == (60, 19, 1, 40)
    assert report.balanced
    assert report.failures == {"not_an_image": 1}
    assert report.exit_code == 3
    assert verify(tmp_path / "a") == []


def test_scores_are_those_of_each_image_scored_alone(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "tars", 3, 6)
    scan([str(source)], tmp_path / "a", scorer, ScanOptions(batch_size=4))
    table = rows_of(tmp_path / "a")
    embeddings = np.concatenate(
        [Parts(tmp_path / "a").embeddings(i) for i in Parts(tmp_path / "a").shard_ids()]
    )
    samples = [sample for shard in expand([str(source)]) for sample in ShardReader(shard)]
    assert table["key"].to_pylist() == [sample.key for sample in samples]
    for n, sample in enumerate(samples):
        assert sample.data is not None
        picture = images.load(sample.data, size=scorer.size, crop_mode=scorer.crop_mode)
        alone = scorer.score(picture.pixels[None])
        row = table.slice(n, 1).to_pylist()[0]
        assert row["p_illegal"] == pytest.approx(float(alone.types[0, 1]), abs=1e-5)
        assert row["p_politics"] is None
        assert dict(row["concepts"])["fire"] == pytest.approx(float(alone.concepts[0, 1]), abs=1e-5)
        assert row["phash"] == picture.phash
        np.testing.assert_allclose(embeddings[n], alone.embeddings[0], atol=2e-3)


def test_batches_may_span_shards(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "tars", *[3] * 9, broken=(0, 1, 2))
    for size in (1, 4, 64):
        scan([str(source)], tmp_path / f"b{size}", scorer, ScanOptions(batch_size=size))
        assert verify(tmp_path / f"b{size}") == []
    assert_same_results(tmp_path / "b1", tmp_path / "b4")
    assert_same_results(tmp_path / "b1", tmp_path / "b64")


def test_images_of_a_real_download_are_scored_and_what_failed_before_is_told(
    tmp_path: Path, scorer: Scorer, shared: Path
) -> None:
    source = shared / "datasets" / "laion-like"
    stats = [json.loads(path.read_text()) for path in source.glob("*_stats.json")]
    tables = [pq.read_table(path, columns=["status"]) for path in source.glob("*.parquet")]
    statuses = Counter(status for table in tables for status in table["status"].to_pylist())
    report = scan([str(source)], tmp_path / "a", scorer)
    assert report.scored == sum(s["successes"] for s in stats) == statuses["success"]
    assert report.upstream_failed == sum(s["count"] - s["successes"] for s in stats)
    assert report.scored + report.upstream_failed == statuses.total() == 1200
    assert report.failed == 0
    assert report.exit_code == 0
    assert report.balanced


def test_a_second_run_scans_only_what_is_new(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "tars", 4, 4)
    scan([str(source)], tmp_path / "a", scorer)
    before = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "a" / "parts").iterdir()}
    assert scan([str(source)], tmp_path / "a", scorer).shards_scanned == 0
    write_tar(source / "00009.tar", 3, seed=9)
    report = scan([str(source)], tmp_path / "a", scorer)
    assert (report.shards_scanned, report.images, report.scored) == (1, 3, 11)
    after = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "a" / "parts").iterdir()}
    assert before.items() < after.items()
    assert verify(tmp_path / "a") == []


def test_retry_failed_does_a_shard_again_that_a_plain_run_keeps(
    tmp_path: Path, scorer: Scorer
) -> None:
    source = tars(tmp_path / "tars", 5, 5, broken=(1, 3))
    assert scan([str(source)], tmp_path / "a", scorer).failed == 2
    tars(source, 5, 5)
    assert scan([str(source)], tmp_path / "a", scorer).failed == 2
    report = scan([str(source)], tmp_path / "a", scorer, ScanOptions(retry_failed=True))
    assert (report.shards_scanned, report.failed, report.exit_code) == (1, 0, 0)
    assert verify(tmp_path / "a") == []


def test_a_damaged_part_is_done_again(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "tars", 4, 4)
    scan([str(source)], tmp_path / "a", scorer)
    parquet, npy = Parts(tmp_path / "a").paths(Parts(tmp_path / "a").shard_ids()[0])
    npy.write_bytes(npy.read_bytes()[:-8])
    assert scan([str(source)], tmp_path / "a", scorer).shards_scanned == 1
    parquet.write_bytes(parquet.read_bytes()[:100])
    assert scan([str(source)], tmp_path / "a", scorer).shards_scanned == 1
    assert verify(tmp_path / "a") == []


def test_another_scorer_is_refused_until_overwrite(
    tmp_path: Path, scorer: Scorer, other_scorer: Scorer
) -> None:
    source = tars(tmp_path / "tars", 4)
    scan([str(source)], tmp_path / "a", scorer)
    before = rows_of(tmp_path / "a")
    with pytest.raises(CatalogMismatch, match="another --out, or --overwrite"):
        scan([str(source)], tmp_path / "a", other_scorer)
    assert rows_of(tmp_path / "a").equals(before)
    decision = tmp_path / "a" / "decisions" / "ada.jsonl"
    decision.parent.mkdir()
    decision.write_text("{}\n")
    scan([str(source)], tmp_path / "a", other_scorer, ScanOptions(overwrite=True))
    assert not rows_of(tmp_path / "a")["risk"].equals(before["risk"])
    assert decision.exists()
    assert verify(tmp_path / "a") == []


def test_parts_of_another_scorer_do_not_count_even_without_audit_json(
    tmp_path: Path, scorer: Scorer, other_scorer: Scorer
) -> None:
    source = tars(tmp_path / "tars", 4)
    scan([str(source)], tmp_path / "a", scorer)
    (tmp_path / "a" / "audit.json").unlink()
    assert scan([str(source)], tmp_path / "a", scorer).shards_scanned == 0
    (tmp_path / "a" / "audit.json").unlink()
    assert scan([str(source)], tmp_path / "a", other_scorer).shards_scanned == 1


def test_another_taxonomy_is_refused(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "tars", 2)
    scan([str(source)], tmp_path / "a", scorer)
    path = tmp_path / "a" / "audit.json"
    content = json.loads(path.read_text())
    content["taxonomy"]["hash"] = "0" * 64
    path.write_text(json.dumps(content))
    with pytest.raises(CatalogMismatch, match="made with taxonomy .* --overwrite"):
        scan([str(source)], tmp_path / "a", scorer)


@pytest.mark.parametrize(
    "change",
    [{"taxonomy": None}, {"taxonomy": {}}, {"scorer": "x"}, {"text": "x"}, {"rescoring": [1]}],
)
def test_a_damaged_audit_json_is_told_in_one_line(tmp_path: Path, change: dict[str, Any]) -> None:
    sound: dict[str, Any] = {
        "format": header.FORMAT, "scorer": {}, "scorer_sha256": "", "sources": [],
        "taxonomy": {"hash": ""},
    }  # fmt: skip
    path = tmp_path / "audit.json"
    path.write_text(json.dumps(sound))
    assert header.read(tmp_path) == sound
    for text in (json.dumps(sound | change), "[" * 100_000):
        path.write_text(text)
        with pytest.raises(ShardwardenError, match="audit.json: cannot be read"):
            header.read(tmp_path)


def test_audit_json_says_what_the_catalog_was_made_with(tmp_path: Path, scorer: Scorer) -> None:
    one, two = tars(tmp_path / "one", 2), tars(tmp_path / "two", 2)
    scan([str(one)], tmp_path / "a", scorer, ScanOptions(previews=False))
    scan([str(two)], tmp_path / "a", scorer, ScanOptions(previews=False))
    content = json.loads((tmp_path / "a" / "audit.json").read_text())
    assert content["format"] == 1
    assert content["sources"] == [str(one), str(two)]
    assert content["scorer"]["name"] == "small"
    assert content["scorer_sha256"] == scorer.fingerprint
    assert content["taxonomy"]["hash"] == scorer.taxonomy_hash
    assert content["options"] == {
        "max_pixels": 178_000_000, "max_bytes": 67_108_864, "previews": False,
    }  # fmt: skip
    assert pc.all(rows_of(tmp_path / "a")["preview"].is_null()).as_py()


@pytest.mark.parametrize("size", [1, 3, 64])
def test_a_limit_scores_so_many_images_and_is_no_whole_shard(
    tmp_path: Path, scorer: Scorer, size: int
) -> None:
    source = tars(tmp_path / "tars", 5, 5, 5)
    options = ScanOptions(limit=7, batch_size=size)
    report = scan([str(source)], tmp_path / "a", scorer, options)
    assert (report.images, report.scored, report.shards_done, report.exit_code) == (7, 7, 1, 0)
    assert report.balanced
    with Catalog(tmp_path / "a") as catalog:
        assert tally.status(catalog).total.scored == 7
    again = scan([str(source)], tmp_path / "a", scorer, options)
    assert (again.images, again.scored) == (0, 7)
    more = scan([str(source)], tmp_path / "a", scorer, replace(options, limit=8))
    assert (more.images, more.scored) == (3, 8)
    rest = scan([str(source)], tmp_path / "a", scorer)
    assert (rest.images, rest.scored, rest.shards_done) == (10, 15, 3)
    assert verify(tmp_path / "a") == []
    scan([str(source)], tmp_path / "b", scorer)
    assert_same_results(tmp_path / "a", tmp_path / "b")


def test_a_limit_at_the_end_of_a_shard_leaves_it_whole(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "tars", 5, 5)
    report = scan([str(source)], tmp_path / "a", scorer, ScanOptions(limit=5))
    assert (report.scored, report.shards_done, report.shards_scanned) == (5, 1, 1)


def test_a_broken_shard_is_a_fault_and_the_rest_goes_on(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "tars", 4, 4, 4)
    (source / "00001.tar").write_bytes(b"<html>not found</html>")
    whole = (source / "00002.tar").read_bytes()
    (source / "00002.tar").write_bytes(whole[:900])  # inside the first image
    report = scan([str(source)], tmp_path / "a", scorer)
    assert {(name, kind) for name, kind, _ in report.faults} == {
        ("00001.tar", "not_a_tar"), ("00002.tar", "truncated"),
    }  # fmt: skip
    assert report.exit_code == 3
    assert report.balanced
    assert verify(tmp_path / "a") == []
    (source / "00002.tar").write_bytes(whole)
    again = scan([str(source)], tmp_path / "a", scorer, ScanOptions(retry_failed=True))
    assert again.shards_scanned == 2
    assert [kind for _, kind, _ in again.faults] == ["not_a_tar"]


def test_rows_that_failed_before_us_are_no_failure(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "tars", 4)
    stats = {"count": 6, "successes": 4, "status_dict": {"success": 4, "HTTP Error 404": 2}}
    (source / "00000_stats.json").write_text(json.dumps(stats))
    report = scan([str(source)], tmp_path / "a", scorer)
    assert (report.upstream_failed, report.failed, report.exit_code) == (2, 0, 0)


@pytest.mark.parametrize("what", ["image", "shard"])
def test_strict_stops_at_the_first_failure_and_publishes_nothing_of_it(
    tmp_path: Path, scorer: Scorer, what: str
) -> None:
    source = tars(tmp_path / "tars", 4, broken=(2,) if what == "image" else ())
    if what == "shard":
        (source / "00000.tar").write_bytes((source / "00000.tar").read_bytes()[:5000])
    said = "00002.png: not_an_image" if what == "image" else "no_end_mark"
    with pytest.raises(ShardwardenError, match=f"00000.tar: {said}"):
        scan([str(source)], tmp_path / "a", scorer, ScanOptions(strict=True))
    assert Parts(tmp_path / "a").shard_ids() == []
    scan([str(source)], tmp_path / "a", scorer)
    with pytest.raises(ShardwardenError, match="from an earlier scan"):
        scan([str(source)], tmp_path / "a", scorer, ScanOptions(strict=True))


def test_a_second_scan_at_the_same_time_is_refused(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "tars", 2)
    with (
        header.locked(tmp_path / "a"),
        pytest.raises(CatalogBusy, match=r"another scan \(process \d+\)"),
    ):
        scan([str(source)], tmp_path / "a", scorer)
    assert scan([str(source)], tmp_path / "a", scorer).scored == 2


def test_a_folder_that_is_no_catalog_is_left_alone(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "tars", 2)
    for options in (ScanOptions(), ScanOptions(overwrite=True)):
        with pytest.raises(UsageError, match="is no catalog"):
            scan([str(source)], source, scorer, options)
    assert [path.name for path in source.iterdir()] == ["00000.tar"]


def test_a_foreign_folder_called_parts_is_left_alone(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "tars", 2)
    foreign = tmp_path / "other" / "parts"
    foreign.mkdir(parents=True)
    np.save(foreign / "theirs.npy", np.zeros(3))
    pq.write_table(pa.table({"x": [1]}), foreign / "table.parquet")
    for options in (ScanOptions(), ScanOptions(overwrite=True)):
        with pytest.raises(UsageError, match="is no catalog"):
            scan([str(source)], tmp_path / "other", scorer, options)
    assert {path.name for path in foreign.iterdir()} == {"theirs.npy", "table.parquet"}


def test_two_folders_of_one_name_are_not_taken_for_one(tmp_path: Path, scorer: Scorer) -> None:
    one, two = tars(tmp_path / "x" / "tars", 2), tars(tmp_path / "y" / "tars", 3)
    scan([str(one)], tmp_path / "a", scorer)
    with pytest.raises(CatalogMismatch, match="two catalogs"):
        scan([str(two)], tmp_path / "a", scorer)


def test_a_folder_that_moved_is_not_scanned_again(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "x" / "tars", 2)
    scan([str(source)], tmp_path / "a", scorer)
    (tmp_path / "x").rename(tmp_path / "y")
    moved = scan([str(tmp_path / "y" / "tars")], tmp_path / "a", scorer)
    assert (moved.shards_scanned, moved.scored) == (0, 2)


class Interrupt:
    """Presses Ctrl-C at a certain tick."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self, tick: Tick) -> None:
        self.at -= 1
        if self.at == 0:
            raise KeyboardInterrupt


def threads_are_gone(before: set[threading.Thread]) -> bool:
    return not set(threading.enumerate()) - before


def test_ctrl_c_keeps_what_is_finished_and_leaves_no_thread(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "tars", *[4] * 8)
    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        scan([str(source)], tmp_path / "a", scorer, ScanOptions(batch_size=2),
             progress=Interrupt(12))  # fmt: skip
    assert threads_are_gone(before)
    done = len(Parts(tmp_path / "a").shard_ids())
    assert 0 < done < 8
    report = scan([str(source)], tmp_path / "a", scorer)
    assert report.shards_scanned == 8 - done
    assert verify(tmp_path / "a") == []


def test_an_error_in_the_writer_is_raised_and_leaves_no_thread(
    tmp_path: Path, small_scorer: Path
) -> None:
    source = tars(tmp_path / "tars", *[40] * 4)
    broken = Scorer.load(small_scorer, device="cpu")
    for parameter in broken.encoder.parameters():
        parameter.data.fill_(float("nan"))
    before = set(threading.enumerate())
    with pytest.raises(ShardwardenError, match="has length nan"):
        scan([str(source)], tmp_path / "a", broken, ScanOptions(batch_size=4))
    assert threads_are_gone(before)
    assert Parts(tmp_path / "a").shard_ids() == []


def test_an_error_in_a_decoding_thread_is_raised_and_leaves_no_thread(
    tmp_path: Path, scorer: Scorer
) -> None:
    source = tars(tmp_path / "tars", *[40] * 4)
    card = replace(scorer.card, crop_mode="stretch")  # type: ignore[arg-type]
    before = set(threading.enumerate())
    with pytest.raises(ValueError, match="stretch"):
        scan([str(source)], tmp_path / "a", Scorer(card, scorer.encoder, scorer.safety))
    assert threads_are_gone(before)


def test_an_error_of_the_scorer_is_raised_and_leaves_no_thread(
    tmp_path: Path, scorer: Scorer
) -> None:
    class Failing(Scorer):
        def score(self, pixels: np.ndarray) -> None:  # type: ignore[override]
            raise RuntimeError("device lost")

    source = tars(tmp_path / "tars", *[40] * 4)
    before = set(threading.enumerate())
    with pytest.raises(RuntimeError, match="device lost"):
        scan([str(source)], tmp_path / "a", Failing(scorer.card, scorer.encoder, scorer.safety))
    assert threads_are_gone(before)


def test_a_channel_holds_no_more_than_its_items_and_weight() -> None:
    channel: Channel[int] = Channel(3, weight=10)
    held: list[int] = []

    def fill() -> None:
        for n in range(20):
            channel.put(n, weight=6 if n > 9 else 1)
            held.append(n)
        channel.close()

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    got = []
    for item in channel:
        time.sleep(0.002)
        ahead = len(held) - len(got) - 1
        assert ahead <= (3 if item < 9 else 2), item
        got.append(item)
    thread.join()
    assert got == list(range(20))
    assert channel.full > 0


def test_a_channel_broken_off_wakes_both_ends() -> None:
    channel: Channel[int] = Channel(1)
    channel.put(1)
    threading.Timer(0.05, channel.break_off).start()
    with pytest.raises(Stopped):
        channel.put(2)
    with pytest.raises(Stopped):
        list(channel)


def test_decoding_and_encoding_take_turns() -> None:
    turns, under_way, over, overlaps = Turns(True), threading.Event(), threading.Event(), []

    def decode() -> None:
        while not over.is_set():
            with turns.decoding():
                under_way.set()
                time.sleep(0.001)
                under_way.clear()

    thread = threading.Thread(target=decode, daemon=True)
    thread.start()
    for _ in range(20):
        with turns.encoding():
            overlaps.append(under_way.is_set())
            time.sleep(0.001)
        assert under_way.wait(60)  # batches are made of what is decoded in between
    over.set()
    thread.join(60)
    assert not any(overlaps)


def test_an_image_that_takes_long_to_decode_is_named(
    tmp_path: Path, scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tars(tmp_path / "tars", 2)
    assert scan([str(source)], tmp_path / "a", scorer).slow == ()
    monkeypatch.setattr("audit.scan.SLOW", -1)
    report = scan([str(source)], tmp_path / "b", scorer)
    assert [(name, key) for name, key, _ in report.slow] == [
        ("00000.tar", "00000"), ("00000.tar", "00001"),
    ]  # fmt: skip


def test_no_source_is_an_error_before_anything_is_made(tmp_path: Path, scorer: Scorer) -> None:
    with pytest.raises(NoShards):
        scan([str(tmp_path / "nowhere")], tmp_path / "a", scorer)
    assert not (tmp_path / "a").exists()


def test_the_default_catalog_is_named_after_the_source_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tars(tmp_path / "laion", 1)
    (tmp_path / "mine.txt").write_text(f"{folder}\n")
    monkeypatch.chdir(folder)
    for source in (
        str(folder), f"{folder}/", ".", "00000.tar", f"{folder}/*.tar",
        f"{folder}/{{00000..00000}}.tar",
    ):  # fmt: skip
        assert default_out([source], expand([source])) == Path("laion.audit"), source
    listed = f"@{tmp_path}/mine.txt"
    assert default_out([listed], expand([listed])) == Path("mine.audit")
    remote = "http://127.0.0.1/sets/faces/{0..3}.tar"
    assert default_out([remote], expand([remote])) == Path("faces.audit")


def test_ticks_count_up_to_everything(tmp_path: Path, scorer: Scorer) -> None:
    source = tars(tmp_path / "tars", 6, 6, broken=(0,))
    ticks: list[Tick] = []
    report: ScanReport = scan([str(source)], tmp_path / "a", scorer, ScanOptions(batch_size=2),
                              progress=ticks.append)  # fmt: skip
    assert [tick.images for tick in ticks] == sorted(tick.images for tick in ticks)
    last = ticks[-1]
    assert (last.images, last.failed, last.shards, last.total) == (12, 1, 2, 2)
    assert last.share == 1
    assert report.limited_by in ("reading", "decoding", "encoding", "writing")
