"""Makes seeds/, what the fuzz targets start from. Needs Pillow and pyarrow.

python make_seeds.py
"""

import gzip
import io
import json
import shutil
import struct
import tarfile
import zipfile
from pathlib import Path

import pyarrow
import pyarrow.parquet
from PIL import Image

SEEDS = Path(__file__).parent / "seeds"


def put(target, name, content):
    path = SEEDS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def gz(content):
    return gzip.compress(content, mtime=0)


def picture(mode="RGB", side=4):
    values = bytes((x * 40 + y * 7 + c * 90) % 256 for y in range(side) for x in range(side) for c in range(3))
    return Image.frombytes("RGB", (side, side), values).convert(mode)


def encoded(kind, mode="RGB", side=4, **options):
    out = io.BytesIO()
    picture(mode, side).save(out, kind, **options)
    return out.getvalue()


# IDX: three images of 4x2, with two bytes before them that say how long they are (targets/idx.rs).
def idx():
    images = struct.pack(">IIII", 0x803, 3, 2, 4) + bytes(range(24))
    labels = struct.pack(">II", 0x801, 3) + bytes([7, 0, 9])
    for name, images, labels in [("raw", images, labels), ("gz", gz(images), gz(labels))]:
        put("idx", name, struct.pack(">H", len(images)) + images + labels)


def record(label):
    return bytes([label]) + bytes(i % 256 for i in range(3072))


def cifar():
    put("cifar", "one", record(1))
    put("cifar", "two", record(2) + record(9))
    put("cifar", "two.gz", gz(record(2) + record(9)))
    put("cifar", "many.gz", gz(b"".join(record(0) for _ in range(6))))


def image():
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    for side in (4, 17):
        put("image", f"{side}.png", encoded("png", side=side))
        put("image", f"{side}.jpg", encoded("jpeg", side=side))
        put("image", f"{side}-progressive.jpg", encoded("jpeg", side=side, progressive=True))
    for name, subsampling in [("444", 0), ("422", 1), ("420", 2)]:
        put("image", f"{name}.jpg", encoded("jpeg", side=17, subsampling=subsampling, optimize=True))
    put("image", "restart.jpg", encoded("jpeg", side=33, restart_marker_blocks=1))
    put("image", "gray.jpg", encoded("jpeg", "L", side=17))
    put("image", "cmyk.jpg", encoded("jpeg", "CMYK", side=17))
    put("image", "turned.jpg", encoded("jpeg", side=9, exif=exif))
    put("image", "turned.png", encoded("png", exif=exif))
    for mode in ("1", "L", "P", "RGBA"):
        put("image", f"{mode}.png", encoded("png", mode))
    put("image", "16.png", png16())
    put("image", "lossy.webp", encoded("webp", side=17))
    put("image", "lossless.webp", encoded("webp", side=17, lossless=True))
    put("image", "alpha.webp", webp_with_alpha())
    put("image", "turned.webp", encoded("webp", exif=exif))
    put("image", "animated.webp", encoded("webp", save_all=True, append_images=[picture("RGB").rotate(90)]))
    put("image", "4.gif", encoded("gif"))
    put("image", "animated.gif", encoded("gif", save_all=True, append_images=[picture("RGB").rotate(90)]))
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        put("image", f"{mode}.bmp", encoded("bmp", mode))
    put("image", "rle8.bmp", rle8())


def webp_with_alpha():
    image, out = picture("RGBA", 17), io.BytesIO()
    image.putalpha(picture("L", 17))
    image.save(out, "webp")
    return out.getvalue()


def png16():
    out = io.BytesIO()
    Image.frombytes("I;16", (4, 4), bytes(range(32))).save(out, "png")
    return out.getvalue()


# Pillow writes no compressed BMP: two rows of four pixels, the second absolute.
def rle8():
    pixels = bytes([4, 1, 0, 0, 0, 4, 0, 1, 1, 0, 0, 1])
    palette = bytes([0, 0, 0, 0, 255, 128, 0, 0])
    header = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 8, 1, len(pixels), 0, 0, 2, 0)
    start = 14 + len(header) + len(palette)
    return struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start) + header + palette + pixels


FILES = {"set/a/1.png": encoded("png"), "set/b/2.jpg": encoded("jpeg", optimize=True)}


def tar(files, form=tarfile.USTAR_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    blocks = len(out.getvalue().rstrip(b"\0")) // 512 + 1
    return out.getvalue()[: (blocks + 2) * 512]  # two of zeros mark the end; tarfile fills up 10 KiB


def zipped(files, method):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def archives():
    put("archive", "stored.zip", zipped(FILES, zipfile.ZIP_STORED))
    put("archive", "deflated.zip", zipped(FILES, zipfile.ZIP_DEFLATED))
    split = {"train/1.gif": encoded("gif"), "test/2.gif": encoded("gif")}
    put("archive", "split.zip", zipped(split, zipfile.ZIP_DEFLATED))
    put("archive", "ustar.tar", tar(split))
    put("archive", "images.tar.gz", gz(tar(FILES)))
    long = {"a" * 120 + "/" + "b" * 120 + ".gif": encoded("gif")}
    put("archive", "gnu.tar", tar(long, tarfile.GNU_FORMAT))
    put("archive", "pax.tar", tar({name + "ä": content for name, content in long.items()}, tarfile.PAX_FORMAT))
    images = struct.pack(">IIII", 0x803, 1, 2, 4) + bytes(range(8))
    labels = struct.pack(">II", 0x801, 1) + bytes([7])
    mnist = {"raw/train-images-idx3-ubyte": images, "raw/train-labels-idx1-ubyte.gz": gz(labels)}
    put("archive", "mnist.tar", tar(mnist))
    put("archive", "cifar.tar.gz", gz(tar({"data_batch_1.bin": record(1), "data_batch_2.bin.gz": gz(record(2))})))


def parquet():
    png = encoded("png")
    rows = {
        "image": [{"bytes": png, "path": None}, {"bytes": encoded("gif"), "path": "2.gif"}],
        "label": [1, 0],
        "text": ["one", None],
    }
    image_type = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    schema = pyarrow.schema([("image", image_type), ("label", pyarrow.int64()), ("text", pyarrow.string())])
    notes = {"huggingface": json.dumps({"info": {"features": {"label": {"names": ["no", "yes"]}}}})}
    schema = schema.with_metadata(notes)
    options = {"store_schema": False, "write_statistics": False}
    forms = {
        "hub": {"compression": "snappy"},
        "plain": {"compression": "none", "use_dictionary": False},
        "v2": {"compression": "snappy", "data_page_version": "2.0", "write_page_index": True},
        "crc": {"compression": "none", "write_page_checksum": True, "write_statistics": True},
        "gzip": {"compression": "gzip"},
        "delta": {
            "compression": "none",
            "use_dictionary": False,
            "column_encoding": {
                "image.bytes": "DELTA_LENGTH_BYTE_ARRAY",
                "image.path": "DELTA_BYTE_ARRAY",
                "label": "DELTA_BINARY_PACKED",
                "text": "DELTA_BYTE_ARRAY",
            },
        },
    }
    table = pyarrow.table(rows, schema)
    for name, form in forms.items():
        out = io.BytesIO()
        pyarrow.parquet.write_table(table, out, **{**options, **form})
        put("parquet", name, out.getvalue())
    required = pyarrow.struct([pyarrow.field("bytes", pyarrow.binary(), nullable=False)])
    schema = pyarrow.schema([pyarrow.field("image", required, nullable=False), ("label", pyarrow.int32())])
    table = pyarrow.table({"image": [{"bytes": png}] * 3, "label": [7, 8, 9]}, schema)
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, compression="snappy", row_group_size=2, **options)
    put("parquet", "required", out.getvalue())


shutil.rmtree(SEEDS, ignore_errors=True)
idx()
cifar()
image()
archives()
parquet()
