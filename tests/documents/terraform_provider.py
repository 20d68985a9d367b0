"""A stand-in for Terraform's AWS provider: its schema, and no AWS behind it.

Terraform asks a provider which resources exist, which arguments they take, and what a change would
come to. `aws_provider_schema.json` has the first two. A plan is what the configuration says, with
the identifiers filled in that AWS derives from names, so that every document in it is known.

Terraform finds it through TF_REATTACH_PROVIDERS, its way to attach to a provider that runs already:
https://developer.hashicorp.com/terraform/plugin/debugging
Protocol: https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol
"""

from __future__ import annotations

import json
import os
from concurrent import futures
from pathlib import Path

import grpc
import msgpack
from tf.gen import tfplugin_pb2 as protocol
from tf.gen import tfplugin_pb2_grpc

from aws_provider_schema import SCHEMA

ADDRESS = "hashicorp/aws"
PROTOCOL_VERSION = 6
UNKNOWN = msgpack.ExtType(0, b"")

# The bindings leave open which optional attributes AWS fills in. These are referred to by others.
COMPUTED_WHEN_ABSENT = {"id", "key_id", "tags_all"}


def decode(value: protocol.DynamicValue):
    return msgpack.unpackb(value.msgpack, raw=False, strict_map_key=False)


def encode(value) -> protocol.DynamicValue:
    return protocol.DynamicValue(msgpack=msgpack.packb(value))


def attribute(name: str, described: dict) -> protocol.Schema.Attribute:
    computed = described.get("computed", False) or name in COMPUTED_WHEN_ABSENT
    required = described.get("required", False)
    return protocol.Schema.Attribute(
        name=name,
        type=json.dumps(described["type"]).encode(),
        required=required,
        optional=not required and not described.get("computed", False),
        computed=computed and not required,
    )


def block(described: dict) -> protocol.Schema.Block:
    return protocol.Schema.Block(
        attributes=[attribute(*each) for each in described["attributes"].items()],
        block_types=[
            protocol.Schema.NestedBlock(
                type_name=name,
                block=block(nested["block"]),
                nesting=protocol.Schema.NestedBlock.LIST,
                min_items=nested["min"],
                max_items=nested["max"],
            )
            for name, nested in described["blocks"].items()
        ],
    )


def schema(described: dict) -> protocol.Schema:
    return protocol.Schema(version=0, block=block(described))


class StandIn(tfplugin_pb2_grpc.ProviderServicer):
    """Plans only. Applying is not implemented, so nothing can pretend to have been done."""

    def __init__(self, described: dict, role_arns: dict[str, str], partition: str) -> None:
        self.provider = schema(described["provider"])
        self.attributes = {
            name: each["attributes"] for name, each in described["resources"].items()
        }
        self.resources = {name: schema(each) for name, each in described["resources"].items()}
        self.role_arns = role_arns
        self.partition = partition

    def GetMetadata(self, request, context):
        return protocol.GetMetadata.Response()

    def GetProviderSchema(self, request, context):
        return protocol.GetProviderSchema.Response(
            provider=self.provider,
            provider_meta=protocol.Schema(block=protocol.Schema.Block()),
            resource_schemas=self.resources,
        )

    def ValidateProviderConfig(self, request, context):
        return protocol.ValidateProviderConfig.Response()

    def ConfigureProvider(self, request, context):
        return protocol.ConfigureProvider.Response()

    def ValidateResourceConfig(self, request, context):
        return protocol.ValidateResourceConfig.Response()

    def UpgradeResourceState(self, request, context):
        state = json.loads(request.raw_state.json)
        return protocol.UpgradeResourceState.Response(upgraded_state=encode(state))

    def ReadResource(self, request, context):
        return protocol.ReadResource.Response(new_state=request.current_state)

    def PlanResourceChange(self, request, context):
        planned = decode(request.proposed_new_state)
        if planned is None:
            return protocol.PlanResourceChange.Response(planned_state=encode(None))
        known = self.identifiers(request.type_name, planned)
        for name, described in self.attributes[request.type_name].items():
            computed = described.get("computed", False) or name in COMPUTED_WHEN_ABSENT
            if computed and planned.get(name) is None:
                planned[name] = known.get(name, UNKNOWN)
        return protocol.PlanResourceChange.Response(planned_state=encode(planned))

    def StopProvider(self, request, context):
        return protocol.StopProvider.Response()

    def identifiers(self, kind: str, planned: dict) -> dict[str, str]:
        if kind == "aws_s3_bucket":
            bucket = planned["bucket"]
            return {"id": bucket, "arn": f"arn:{self.partition}:s3:::{bucket}"}
        if kind == "aws_iam_role":
            name = planned["name"]
            found = {"id": name}
            if name in self.role_arns:
                found["arn"] = self.role_arns[name]
            return found
        if kind.startswith("aws_s3_bucket_"):
            return {"id": planned["bucket"]}
        return {}


class RunningProvider:
    """The stand-in on a Unix socket. `environment` makes Terraform use it."""

    def __init__(self, folder: Path, role_arns: dict[str, str], partition: str = "aws") -> None:
        self.socket = folder / "provider.sock"
        described = json.loads(SCHEMA.read_text())
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        tfplugin_pb2_grpc.add_ProviderServicer_to_server(
            StandIn(described, role_arns, partition), self.server
        )
        self.server.add_insecure_port(f"unix:{self.socket}")

    def __enter__(self) -> RunningProvider:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop(grace=None).wait()

    @property
    def environment(self) -> dict[str, str]:
        attach = {
            "Protocol": "grpc",
            "ProtocolVersion": PROTOCOL_VERSION,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": {"Network": "unix", "String": str(self.socket)},
        }
        return {"TF_REATTACH_PROVIDERS": json.dumps({ADDRESS: attach})}
