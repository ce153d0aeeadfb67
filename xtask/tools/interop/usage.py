"""Uses the client that openapi-python-client makes of openapi.yaml."""

import importlib
import os
import pkgutil

import konektor_client
from konektor_client import AuthenticatedClient
from konektor_client.api.leads import leads_create, leads_get, leads_list, leads_update
from konektor_client.models import Error, LeadCreate, LeadListResponse, LeadResponse, LeadStatus, LeadUpdate

for module in pkgutil.walk_packages(konektor_client.__path__, "konektor_client."):
    importlib.import_module(module.name)


def use(konektor: AuthenticatedClient) -> None:
    # Only first_name is required.
    created = leads_create.sync(client=konektor, body=LeadCreate(first_name="Andi", phone="+62 857-1111-3333"))
    assert isinstance(created, LeadResponse), created
    lead = created.data
    assert lead.status == "new" and lead.email is None, lead

    listed = leads_list.sync(client=konektor, status=LeadStatus.NEW, limit=10)
    assert isinstance(listed, LeadListResponse), listed
    assert lead.id in [lead.id for lead in listed.data], listed

    updated = leads_update.sync(lead.unique_code, client=konektor, body=LeadUpdate(status=LeadStatus.QUALIFIED, phone=None))
    assert isinstance(updated, LeadResponse), updated
    assert updated.data.status == "qualified" and updated.data.phone is None, updated

    # A failure has another type than a success.
    refused = leads_create.sync(client=konektor, body=LeadCreate(first_name="Andi", email="not-an-address"))
    assert isinstance(refused, Error), refused
    assert refused.error.code == "VALIDATION_ERROR" and "email" in refused.error.details, refused

    # The client was generated before this status existed.
    later = leads_get.sync(os.environ["KONEKTOR_LEAD_ID"], client=konektor)
    assert isinstance(later, LeadResponse) and later.data.status == "hot", later


with AuthenticatedClient(base_url=os.environ["KONEKTOR_BASE_URL"], token=os.environ["KONEKTOR_API_KEY"]) as client:
    use(client)
