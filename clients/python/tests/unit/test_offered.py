from typing import Any

from guideboard import Client, _calls, aio
from guideboard._flow import Method
from guideboard.v1 import catalog_service_pb2, retained_run_service_pb2, run_service_pb2


def methods() -> dict[str, Method[Any, Any]]:
    found = {}
    for value in vars(_calls).values():
        method = getattr(value, "method", value)
        if isinstance(method, Method):
            found[f"{method.service}.{method.name}"] = method
    return found


def test_every_call_of_the_service_is_offered_with_its_messages() -> None:
    described = {}
    for module in (catalog_service_pb2, retained_run_service_pb2, run_service_pb2):
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                described[f"{service.name}.{method.name}"] = (method.input_type, method.output_type)
    offered = {name: (method.request.DESCRIPTOR, method.reply.DESCRIPTOR) for name, method in methods().items()}
    assert offered == described


def test_both_clients_offer_the_same() -> None:
    def offered(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert offered(Client) == offered(aio.Client)
