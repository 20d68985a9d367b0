"""Why an object has no replica: each cause brought about, named, and said how sure it is."""

from __future__ import annotations

import json
import time

import pytest

from conftest import fresh_name
from keyferry_cli import DONE, NOT_CONFIRMED, REPLICATION_FAILED, Keyferry, upload
from lab_process import FIRST_REGION, SECOND_REGION, LabProcess
from lab_services import OWNER, document, service, trust
from replication_status import status_of
