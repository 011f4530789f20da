"""`/v1/packages/…`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors as catalog
from catalog import services as catalogue
from catalog.package_models import Package
from contracts import selectors, services
from contracts.api.contracts import CreateInput, contract_terms, read_terms
from contracts.api.package_inputs import PackageContractsInput, PackageCreateInput, PackageInput, PackageListInput
from contracts.api.package_outputs import PackageContractOutput, PackageOutput, present_packages
from contracts.package_terms import contract_body, with_ids
from core.api.output import PAGING, IdOutput, envelope, page_of
from core.api.paging import page_request, paginate
from core.api.views import ApiView, data, listing
from core.clock import now
from core.exact_json import dumps

SOMEBODY = "00000000-0000-4000-8000-000000000000"
APART = ("name", "aliases", "uniqueness_key")


def checked_template(given: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """The terms of a body as packages keep them, after a contract of them was made and undone. Raises as that does."""
    known = PackageCreateInput().get_fields()
    said = {name: value for name, value in given.items() if name in known and name not in APART and value is not None}
    template = with_ids(said)
    start = now.replace(minute=0, second=0, microsecond=0)
    terms = contract_terms(read_terms(CreateInput, contract_body(template, start) | {"customer_id": SOMEBODY}))
    for name in ("customer_id", "starting_at"):
        terms.pop(name)
    services.rehearse_contract(terms=terms, starting_at=start, now=now)
    return template


def keep_package(body: Mapping[str, Any], given: Mapping[str, Any], *, now: datetime) -> Package:
    """A package of these terms: `given` as they were said, `body` as they were read.

    Raises what making a contract of them raises, and what `catalog.services.create_package` does.
    """
    template = checked_template(given, now=now)
    return catalogue.create_package(
        name=body["name"],
        template=dumps(template).decode(),
        aliases=[catalogue.AliasWindow(**alias) for alias in body.get("aliases", ())],
        uniqueness_key=body.get("uniqueness_key"),
        now=now,
    )


class CreatePackage(ApiView):
    """POST /v1/packages/create"""

    resource = "contracts"

    @extend_schema(request=PackageCreateInput, responses=envelope(IdOutput), tags=["Packages"])
    def post(self, request: Request) -> Response:
        """Keep terms for many contracts. They are checked as a contract's are: one is made of them, and undone."""
        body = self.read_body(request, PackageCreateInput)
        return data(IdOutput.of(keep_package(body, dict(request.data), now=now())))


class RetrievePackage(ApiView):
    """POST /v1/packages/get"""

    resource, access = "contracts", "read"

    @extend_schema(request=PackageInput, responses=envelope(PackageOutput), tags=["Packages"])
    def post(self, request: Request) -> Response:
        """Read a package, archived or not."""
        body = self.read_body(request, PackageInput)
        return data(present_packages([catalog.get_package(package_id=body["package_id"])], now())[0])


class ListPackages(ApiView):
    """POST /v1/packages/list"""

    resource, access = "contracts", "read"

    @extend_schema(parameters=PAGING, request=PackageListInput, responses=page_of(PackageOutput), tags=["Packages"])
    def post(self, request: Request) -> Response:
        """List packages, newest first."""
        body = self.read_body(request, PackageListInput)
        rows, next_page = paginate(catalog.list_packages(**body), page_request(request, default=10))
        return listing(present_packages(rows, now()), next_page)


class ArchivePackage(ApiView):
    """POST /v1/packages/archive"""

    resource = "contracts"

    @extend_schema(request=PackageInput, responses=envelope(IdOutput), tags=["Packages"])
    def post(self, request: Request) -> Response:
        """Keep a package from new contracts; those that were made of it go on."""
        body = self.read_body(request, PackageInput)
        return data(IdOutput.of(catalogue.archive_package(package_id=body["package_id"], now=now())))


class ListContractsOnPackage(ApiView):
    """POST /v1/packages/listContractsOnPackage"""

    resource, access = "contracts", "read"

    @extend_schema(
        parameters=PAGING, request=PackageContractsInput, responses=page_of(PackageContractOutput), tags=["Packages"]
    )
    def post(self, request: Request) -> Response:
        """List the contracts that were made of a package, newest first."""
        body = self.read_body(request, PackageContractsInput)
        catalog.get_package(package_id=body["package_id"])
        rows, next_page = paginate(selectors.contracts_on_package(**body), page_request(request))
        return listing(PackageContractOutput.of_each(rows), next_page)
