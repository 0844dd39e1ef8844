"""A sentence for each kind of request that gradio's server itself turns away."""

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .api_texts import BROKEN, PUBLIC

WRONG_FORM = (
    'The call does not have the form that is expected here: send a JSON object such as {"data": [...]}, '
    "with the header content-type: application/json."
)
NOT_THERE = f"There is nothing at this address. Calls go to {', '.join(f'/gradio_api/call/{name}' for name in PUBLIC)}."
WRONG_METHOD = "This address takes another method: make calls by POST, and fetch their answers by GET."


FULL = "Many people are using this app and the queue is full: try again in a minute."


async def tell(request: Request, error: HTTPException) -> Response:
    """gradio's own sentences as they are; in the place of those that say nothing, what to do."""
    known = {"Not Found": NOT_THERE, "Method Not Allowed": WRONG_METHOD}
    detail = FULL if error.status_code == 503 else known.get(str(error.detail), error.detail)
    return JSONResponse({"detail": detail}, error.status_code, dict(error.headers or {}))


async def tell_form(request: Request, error: RequestValidationError) -> Response:
    """A body that is not what the address takes."""
    return JSONResponse({"detail": WRONG_FORM}, 400)


async def tell_bug(request: Request, error: Exception) -> Response:
    """A bug; the server logs it."""
    return JSONResponse({"detail": BROKEN}, 500)


COMPLAINTS = {HTTPException: tell, RequestValidationError: tell_form, Exception: tell_bug}
