"""Imports every module of the generated client and builds a request."""

import importlib
import pkgutil

import konektor_client
from konektor_client.api.leads import leads_list
from konektor_client.models import LeadStatus

for module in pkgutil.walk_packages(konektor_client.__path__, "konektor_client."):
    importlib.import_module(module.name)

request = leads_list._get_kwargs(status=LeadStatus.NEW, limit=10)
assert request["method"] == "get" and request["url"] == "/leads", request
assert request["params"] == {"status": "new", "limit": 10}, request
