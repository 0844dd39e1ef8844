"""Signed manifests, made with certificates that live for one test run and read back by the library that checks them."""

import datetime
import json
import os
import sys
from dataclasses import replace

import numpy as np
import pytest
import typer
from app_server import running_app
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from sargan_hf.commands.edit import command
from sargan_hf.demo.settings import Settings
from sargan_hf.editing.animation import Animation
from sargan_hf.errors import ConfigurationError, ImageError
from sargan_hf.images import save_image
from sargan_hf.images.content_credentials import ContentCredentials, sign_image
from sargan_hf.images.provenance import DIGITAL_SOURCE_TYPE

c2pa = pytest.importorskip("c2pa")
x509 = pytest.importorskip("cryptography.x509")


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    """A certificate chain, as C2PA asks for it, and its key, in PEM files."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    folder = tmp_path_factory.mktemp("signer")
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    chain = [certificate("editor", key, root_key), certificate("root", root_key, root_key)]
    (folder / "chain.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in chain))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return ContentCredentials(folder / "chain.pem", folder / "key.pem")


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


def is_signed(path) -> bool:
    """Whether the file's manifest is whole and says that a trained model took part."""
    report = json.loads(c2pa.Reader(str(path)).json())
    manifest = report["manifests"][report["active_manifest"]]
    return report["validation_state"] == "Valid" and DIGITAL_SOURCE_TYPE in json.dumps(manifest["assertions"])


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "avif"])
def test_a_signed_picture_proves_that_a_model_edited_it(tmp_path, signer, suffix):
    path = tmp_path / f"edit.{suffix}"
    Image.fromarray(data.astronaut()[:96, :128]).save(path)
    before = np.asarray(Image.open(path))
    assert sign_image(path, signer) == path
    assert np.array_equal(np.asarray(Image.open(path)), before)
    assert is_signed(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_is_no_utf_8_is_signed(tmp_path, signer):
    path = save_image(Image.new("RGB", (64, 64)), tmp_path / os.fsdecode(b"caf\xe9.jpg"), signer)
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(path.read_bytes())
    assert is_signed(copy)
    assert r"caf\\xe9.jpg" in c2pa.Reader(str(copy)).json()


@pytest.mark.parametrize("suffix", ["gif", "mp4"])
def test_an_animation_is_signed(tmp_path, signer, suffix):
    face = Image.fromarray(data.astronaut()[:96, :128])
    assert is_signed(
        sign_image(Animation([face, face.rotate(5)] * 3, fps=10).save(tmp_path / f"loop.{suffix}"), signer)
    )


def test_the_command_signs_every_edit_when_asked(tmp_path, signer, tiny_model_folder):
    Image.fromarray(data.astronaut()[:260, 110:370]).save(tmp_path / "portrait.jpg")
    app = typer.Typer()
    app.command()(command)

    def run(output, *options, **environment):
        arguments = [tmp_path / "portrait.jpg", "--output", output, "--model", tiny_model_folder, *options]
        return CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)

    pems = {"SARGAN_CERTIFICATE": str(signer.certificate), "SARGAN_PRIVATE_KEY": str(signer.private_key)}
    assert run(tmp_path / "signed", "--content-credentials", **pems).exit_code == 0
    assert is_signed(tmp_path / "signed/portrait.jpg")
    assert run(tmp_path / "plain", **pems).exit_code == 0
    assert b"c2pa" not in (tmp_path / "plain/portrait.jpg").read_bytes()
    for wrong, sentence in (({}, "SARGAN_CERTIFICATE"), (pems | {"SARGAN_PRIVATE_KEY": "none.pem"}, "none.pem")):
        error = run(tmp_path / "none", "--content-credentials", **wrong).exception
        assert isinstance(error, ConfigurationError)
        assert sentence in str(error)
    assert not (tmp_path / "none").exists()


def test_a_change_after_signing_is_noticed(tmp_path, signer):
    path = tmp_path / "edit.png"
    Image.fromarray(data.astronaut()[:96, :128]).save(path)
    content = bytearray(sign_image(path, signer).read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    assert json.loads(c2pa.Reader(str(path)).json())["validation_state"] == "Invalid"


def test_what_cannot_be_signed_stays_as_it_was(tmp_path, signer):
    path, chain, key = tmp_path / "edit.png", signer.certificate, signer.private_key
    Image.fromarray(data.astronaut()[:96, :128]).save(path)
    before = path.read_bytes()
    for wrong in ((chain, chain), (key, key), (tmp_path / "none.pem", key)):
        with pytest.raises(ConfigurationError):
            sign_image(path, ContentCredentials(*wrong))
        with pytest.raises(ConfigurationError):
            ContentCredentials(*wrong).check()
        with pytest.raises(ConfigurationError):
            save_image(Image.open(path), tmp_path / "other.png", ContentCredentials(*wrong))
    Image.new("L", (8, 8)).save(tmp_path / "edit.bmp")
    with pytest.raises(ImageError, match=r"Cannot sign edit\.bmp"):
        sign_image(tmp_path / "edit.bmp", signer)
    (tmp_path / "edit.bmp").unlink()
    with pytest.raises(ImageError, match="Cannot sign"):
        sign_image(tmp_path / "absent.png", signer)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_app_signs_what_is_downloaded(tmp_path, signer, tiny_model_folder):
    from gradio_client import Client, handle_file

    Image.fromarray(data.astronaut()).save(tmp_path / "portrait.png")
    pems = {"SARGAN_CERTIFICATE": str(signer.certificate), "SARGAN_PRIVATE_KEY": str(signer.private_key)}
    with running_app(tiny_model_folder, tmp_path, **pems) as app:
        client = Client(app.url, verbose=False, download_files=str(tmp_path / "downloads"))
        assert is_signed(client.predict(handle_file(tmp_path / "portrait.png"), api_name="/edit"))


def test_the_app_does_not_start_with_half_a_signature(signer, monkeypatch):
    assert Settings.from_environment({}).credentials() is None
    with pytest.raises(ConfigurationError, match="set both or neither"):
        Settings.from_environment({"SARGAN_CERTIFICATE": str(signer.certificate)}).credentials()
    pems = Settings(certificate=str(signer.certificate), private_key=str(signer.private_key))
    with pytest.raises(ConfigurationError, match="could not be signed"):
        replace(pems, signing_algorithm="ed25519").credentials()
    monkeypatch.setitem(sys.modules, "c2pa", None)  # as if it were not installed
    with pytest.raises(ConfigurationError, match="pip install"):
        pems.credentials()
