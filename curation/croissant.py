"""croissant.json: the export described for machines, Croissant 1.0 with its RAI vocabulary.

Checked in the tests with the library of its makers, mlcroissant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from curation.cards import residual
from curation.shards_out import Written

# The context that the format prescribes, see docs.mlcommons.org/croissant.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_KINDS = {
    ".tar": "application/x-tar",
    ".parquet": "application/x-parquet",
    ".jsonl": "application/jsonlines",
}
_IMAGES = {"jpg": "image/jpeg", "tif": "image/tiff"}

# Columns of lineage.parquet that are described one by one.
_FIELDS = (
    ("uid", "sc:Text", "the record; unique in this export"),
    ("split", "sc:Text", "train or val"),
    ("key", "sc:Text", "of the sample in the tars"),
    ("sha256", "sc:Text", "of the image's bytes"),
    ("source_shard", "sc:Text", "the shard that the image comes from"),
    ("source_member", "sc:Text", "its name there"),
    ("type", "sc:Text", "risk type, or safe"),
    ("level", "sc:Text", "how to answer: none, low, medium, high"),
    ("risk", "sc:Float", "1 - the probability of safe, by the scorer"),
    ("decided_by", "sc:Text", "whose label it is: human or scorer"),
    ("action", "sc:Text", "what the policy says of the image"),
    ("reason", "sc:Text", "why"),
)


def croissant(content: Mapping[str, Any], written: Mapping[str, Written]) -> dict[str, Any]:
    """The description of an export.

    content   the manifest without its files; written: the files so far, by path
    """
    counts = content["counts"]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [
            "http://mlcommons.org/croissant/1.0",
            "http://mlcommons.org/croissant/RAI/1.0",
        ],
        "name": content["name"],
        "description": (
            f"{counts['records']:,} image conversations with risk type and level: "
            f"{counts['risky']:,} risky, {counts['clean']:,} safe. {residual(content)}"
        ),
        "license": "unknown",
        "version": "1.0.0",
        "isLiveDataset": False,
        **_responsible(content),
        "distribution": list(_distribution(content, written)),
        "recordSet": [_records()],
    }


def _distribution(
    content: Mapping[str, Any], written: Mapping[str, Written]
) -> Iterator[dict[str, Any]]:
    tars = []
    for path, file in sorted(written.items()):
        suffix = path[path.rfind(".") :]
        if suffix in _KINDS and not (suffix == ".parquet" and path.startswith("shards/")):
            if suffix == ".tar":
                tars.append({"@id": path})
            yield {
                "@type": "cr:FileObject",
                "@id": path,
                "name": path,
                "contentUrl": path,
                "contentSize": f"{file.size} B",
                "encodingFormat": _KINDS[suffix],
                "sha256": file.sha256,
            }
    if tars:
        suffix = content["written"]["image_suffix"]
        yield {
            "@type": "cr:FileSet",
            "@id": "images-in-tars",
            "name": "images-in-tars",
            "containedIn": tars if len(tars) > 1 else tars[0],
            "encodingFormat": _IMAGES.get(suffix, f"image/{suffix}"),
            "includes": f"*.{suffix}",
        }


def _records() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "records",
        "name": "records",
        "description": "One row a record, from lineage.parquet.",
        "key": {"@id": "records/uid"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"records/{name}",
                "name": f"records/{name}",
                "description": about,
                "dataType": kind,
                "source": {
                    "fileObject": {"@id": "lineage.parquet"},
                    "extract": {"column": name},
                },
            }
            for name, kind, about in _FIELDS
        ],
    }


def _responsible(content: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the RAI vocabulary; what nobody knows is said to be unknown."""
    counts, scorer, policy = content["counts"], content["scorer"], content["policy"]
    private = sum(counts["by_type_and_level"]["privacy"].values())
    labels = counts["by_decided_by"]
    fields = {
        "dataCollection": (
            f"Chosen from the catalog {content['catalog']['name']} of "
            f"{content['catalog']['images']:,} images; how these were collected is said by those "
            "who published them."
        ),
        "dataLimitations": (
            "Types and levels are a scorer's where no person has decided, and some are wrong. "
            + residual(content)
        ),
        "dataBiases": (
            "Risky images are more frequent here than in the source, on purpose. The scorer's "
            "known confusions are on its card; no study of biases was made."
        ),
        "dataUseCases": (
            "Training and testing of vision-language models that know risky images and answer "
            "them safely. Not for showing to people, and not for making such content."
        ),
        "personalSensitiveInformation": (
            "May show people, identity documents and other private data, and risky content of "
            f"the types named; {private:,} records are of type privacy. No consent was asked."
        ),
        "dataAnnotationProtocol": (
            f"{labels.get('scorer', 0):,} labels by the scorer and the thresholds of the policy, "
            f"{labels.get('human', 0):,} by reviewers, of whom the latest word of each counts."
        ),
        "dataAnnotationPlatform": "Shardwarden review",
        "annotationsPerItem": "one by the scorer; by reviewers as lineage.parquet lists",
        "annotatorDemographics": "not recorded",
        "machineAnnotationTools": [
            f"Shardwarden {content['shardwarden']}",
            f"scorer {scorer['name']}, {scorer['fingerprint'][:12]}",
        ],
        "dataManipulationProtocol": (
            f"Selected and balanced by the policy {policy['name']} ({policy['hash'][:12]}), seed "
            f"{content['seed']}; bytes of images are those of the source; conversations are "
            "templates, captions or the source's own."
        ),
        "dataReleaseMaintenancePlan": (
            "None is known. Takedowns are recorded in the catalog and obeyed by later exports."
        ),
    }
    return {f"rai:{name}": value for name, value in fields.items()}
