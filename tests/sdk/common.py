"""What every check needs: where the region is, its keys, and a way to let virtual minutes pass."""

import json
import sys

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

PLACE = json.loads(sys.argv[1])


def credentials():
    """Temporary keys with their token, as a function has them."""
    return BasicCredentials(PLACE["access_key"], PLACE["secret_key"], PLACE["project_id"]).with_security_token(
        PLACE["security_token"]
    )


def client(kind, keys=None):
    """A client of the official SDK, unmodified but for its endpoint."""
    return kind.new_builder().with_credentials(keys or credentials()).with_endpoint(PLACE["url"]).build()


def play(minutes):
    """Lets minutes pass in the region. The test that started us does it, and answers with the clock in milliseconds."""
    print(f"play {minutes}", flush=True)
    return int(sys.stdin.readline())


def refused(code, call, request):
    """The error of a call that must be refused with that code."""
    try:
        call(request)
    except ClientRequestException as error:
        assert error.error_code == code, f"{error.error_code}, not {code}: {error.error_msg}"
        return error
    raise AssertionError(f"{request} was not refused with {code}")
