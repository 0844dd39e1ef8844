"""Signed manifests, made with certificates that live for one test run and read back by the library that checks them."""

import datetime
import json

import numpy as np
import pytest
from PIL import Image
from skimage import data

from sargan_hf.errors import ConfigurationError, PictureError
from sargan_hf.pictures.content_credentials import sign_picture
from sargan_hf.pictures.provenance import DIGITAL_SOURCE_TYPE

c2pa = pytest.importorskip("c2pa")
x509 = pytest.importorskip("cryptography.x509")


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    """PEM files of a certificate chain, as C2PA asks for it, and of its key."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    folder = tmp_path_factory.mktemp("signer")
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    chain = [certificate("editor", key, root_key), certificate("root", root_key, root_key)]
    (folder / "chain.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in chain))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "chain.pem", folder / "key.pem"


def certificate(name, key, root_key):
    """A certificate for `key`, vouched for by the root; the root's own where both are the same."""
    from cryptography.hazmat.primitives import hashes

    def named(common_name):
        organisation = x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Test")
        return x509.Name([organisation, x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])

    root, now = key is root_key, datetime.datetime.now(datetime.UTC)
    usage = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    usage |= {"digital_signature": not root, "key_cert_sign": root} | dict.fromkeys(
        ("crl_sign", "encipher_only", "decipher_only"), False
    )
    builder = (
        x509.CertificateBuilder(named("root"), named(name), key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
    )
    if not root:
        purpose = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purpose, critical=False)
    return builder.sign(root_key, hashes.SHA256())


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "avif"])
def test_a_signed_picture_proves_that_a_model_edited_it(tmp_path, signer, suffix):
    path = tmp_path / f"edit.{suffix}"
    Image.fromarray(data.astronaut()[:96, :128]).save(path)
    before = np.asarray(Image.open(path))
    assert sign_picture(path, *signer) == path
    assert np.array_equal(np.asarray(Image.open(path)), before)
    report = json.loads(c2pa.Reader(str(path)).json())
    assert report["validation_state"] == "Valid"
    manifest = report["manifests"][report["active_manifest"]]
    assert DIGITAL_SOURCE_TYPE in json.dumps(manifest["assertions"])
    assert list(tmp_path.iterdir()) == [path]


def test_a_change_after_signing_is_noticed(tmp_path, signer):
    path = tmp_path / "edit.png"
    Image.fromarray(data.astronaut()[:96, :128]).save(path)
    content = bytearray(sign_picture(path, *signer).read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    assert json.loads(c2pa.Reader(str(path)).json())["validation_state"] == "Invalid"


def test_what_cannot_be_signed_stays_as_it_was(tmp_path, signer):
    path, chain, key = tmp_path / "edit.png", *signer
    Image.fromarray(data.astronaut()[:96, :128]).save(path)
    before = path.read_bytes()
    for wrong in ((chain, chain), (key, key), (tmp_path / "none.pem", key)):
        with pytest.raises(ConfigurationError):
            sign_picture(path, *wrong)
    with pytest.raises(PictureError, match=r"Cannot sign edit\.gif"):
        sign_picture(tmp_path / "edit.gif", *signer)
    with pytest.raises(PictureError, match="Cannot sign"):
        sign_picture(tmp_path / "absent.png", *signer)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
