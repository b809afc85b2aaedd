// S3 through the SDK for JavaScript: what it does that boto3 does not (buckets in host names, streams with trailers), managed
// uploads in parts, and URLs and forms that anybody with fetch can use.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import dns from "node:dns";
import { Readable } from "node:stream";
import {
  S3Client, CreateBucketCommand, PutObjectCommand, GetObjectCommand, HeadObjectCommand, DeleteObjectsCommand, CopyObjectCommand,
  ListObjectsV2Command, paginateListObjectsV2, PutBucketCorsCommand, GetObjectAttributesCommand, UploadPartCommand,
  CreateMultipartUploadCommand, CompleteMultipartUploadCommand, ListPartsCommand, waitUntilObjectExists, NoSuchKey, NotFound,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";

// Not every resolver knows that *.localhost is this machine (RFC 6761).
const { lookup } = dns;
dns.lookup = (host, ...rest) => lookup(host.endsWith(".localhost") ? "localhost" : host, ...rest);

const Bucket = "js-" + process.env.AWS_ACCESS_KEY_ID;
const md5 = (b) => createHash("md5").update(b).digest("hex");

for (const forcePathStyle of [false, true]) {
  const s3 = new S3Client({ forcePathStyle, maxAttempts: 1 });
  if (!forcePathStyle) await s3.send(new CreateBucketCommand({ Bucket }));

  // Bodies of every kind; a stream is sent in chunks with a checksum behind it.
  const key = `a b/ü+%2F&=${forcePathStyle}.txt`;
  await s3.send(new PutObjectCommand({ Bucket, Key: key, Body: "text", Metadata: { a: "1" }, ContentType: "text/plain" }));
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: key, ChecksumMode: "ENABLED" }));
  assert.equal(await got.Body.transformToString(), "text");
  assert.deepEqual([got.Metadata, got.ContentType, got.ChecksumType], [{ a: "1" }, "text/plain", "FULL_OBJECT"]);
  const chunks = [randomBytes(70_000), randomBytes(10), randomBytes(200_000)];
  const whole = Buffer.concat(chunks);
  await s3.send(new PutObjectCommand({ Bucket, Key: "stream", Body: Readable.from(chunks), ContentLength: whole.length, ChecksumAlgorithm: "SHA256" }));
  const back = await s3.send(new GetObjectCommand({ Bucket, Key: "stream", Range: "bytes=69999-70010" }));
  assert.deepEqual(Buffer.from(await back.Body.transformToByteArray()), whole.subarray(69_999, 70_011));
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: "none" })), NoSuchKey);
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: "none" })), NotFound);
  await assert.rejects(s3.send(new PutObjectCommand({ Bucket, Key: key, Body: "again", IfNoneMatch: "*" })), { name: "PreconditionFailed" });
  await s3.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/${encodeURIComponent(key)}` }));
  await waitUntilObjectExists({ client: s3, maxWaitTime: 10 }, { Bucket, Key: "copy" });

  // A managed upload in parts, of a stream whose length nobody told.
  const big = randomBytes(12 << 20);
  const upload = new Upload({ client: s3, params: { Bucket, Key: "big", Body: Readable.from([big.subarray(0, 7 << 20), big.subarray(7 << 20)]), ChecksumAlgorithm: "CRC32C" }, partSize: 5 << 20, queueSize: 3 });
  let progress = 0;
  upload.on("httpUploadProgress", (p) => { progress = Math.max(progress, p.loaded); });
  const done = await upload.done();
  assert.match(done.ETag, /-3"$/);
  assert.equal(progress, big.length);
  assert.equal((await fetch(done.Location)).status, 403); // the address is right, the reader is nobody
  const all = await s3.send(new GetObjectCommand({ Bucket, Key: "big" }));
  assert.equal(md5(await all.Body.transformToByteArray()), md5(big));
  const part = await s3.send(new GetObjectCommand({ Bucket, Key: "big", PartNumber: 3 }));
  assert.equal(part.PartsCount, 3);
  assert.equal(md5(await part.Body.transformToByteArray()), md5(big.subarray(10 << 20)));
  const attributes = await s3.send(new GetObjectAttributesCommand({ Bucket, Key: "big", ObjectAttributes: ["ObjectParts", "ObjectSize", "Checksum"] }));
  assert.equal(attributes.ObjectParts.TotalPartsCount, 3);
  assert.equal(attributes.ObjectSize, big.length);
  const aborted = new Upload({ client: s3, params: { Bucket, Key: "aborted", Body: Readable.from([big]) } });
  const failed = assert.rejects(aborted.done(), { name: "AbortError" });
  await aborted.abort();
  await failed;

  // Parts by URLs, as a browser sends them.
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "urls" }));
  const part1 = await getSignedUrl(s3, new UploadPartCommand({ Bucket, Key: "urls", UploadId, PartNumber: 1 }), { expiresIn: 60 });
  const sent = await fetch(part1, { method: "PUT", body: "one part" });
  assert.equal(sent.status, 200, part1 + await sent.text());
  const { Parts } = await s3.send(new ListPartsCommand({ Bucket, Key: "urls", UploadId }));
  await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: "urls", UploadId, MultipartUpload: { Parts } }));

  // URLs, with and without headers that must be sent.
  const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "url", ContentType: "text/css", Metadata: { m: "1" } }), { expiresIn: 60, signableHeaders: new Set(["content-type"]) });
  assert.equal((await fetch(put, { method: "PUT", body: "by URL", headers: { "content-type": "text/css" } })).status, 200);
  const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "url", ResponseContentDisposition: "attachment" }), { expiresIn: 60 });
  const page = await fetch(get);
  assert.deepEqual([await page.text(), page.headers.get("content-type"), page.headers.get("content-disposition"), page.headers.get("x-amz-meta-m")], ["by URL", "text/css", "attachment", "1"]);
  assert.equal((await fetch(get.replace("attachment", "inline"))).status, process.env.AUTH === "enforce" ? 403 : 200);
  assert.equal((await fetch(get, { headers: { Origin: "http://localhost:3000" } })).headers.get("access-control-allow-origin"), null);
  await s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [{ AllowedMethods: ["GET"], AllowedOrigins: ["http://localhost:3000"] }] } }));
  assert.equal((await fetch(get, { headers: { Origin: "http://localhost:3000" } })).headers.get("access-control-allow-origin"), "http://localhost:3000");
  await s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [{ AllowedMethods: ["PUT"], AllowedOrigins: ["http://elsewhere"] }] } }));

  // A form.
  const { url, fields } = await createPresignedPost(s3, { Bucket, Key: "form", Conditions: [["content-length-range", 1, 100]], Expires: 60 });
  const form = new FormData();
  for (const [k, v] of Object.entries(fields)) form.append(k, v);
  form.append("file", new Blob(["by form"]));
  const posted = await fetch(url, { method: "POST", body: form });
  assert.equal(posted.status, 204, await posted.text());

  // Pages, and many deletions at once.
  const keys = [];
  for await (const p of paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket })) keys.push(...(p.Contents ?? []).map((o) => o.Key));
  assert.deepEqual(keys, ["big", "copy", "form", "stream", "url", "urls", key].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  const deleted = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
  assert.equal(deleted.Deleted.length, keys.length);
  assert.equal((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 0);
}
