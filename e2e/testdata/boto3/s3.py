"""S3 through boto3: bodies in parts, checksums, conditions, lists, versions, policies and settings as Python sees them."""

import base64
import hashlib
import io
import json
import os
import urllib.error
import urllib.request

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from client import ACCOUNT, ENDPOINT, client

ep = ENDPOINT
s3 = client("s3", config={"s3": {"addressing_style": "path"}})
B = "boto-" + ACCOUNT


def code(f, **k):
    """The code of the error that a call ends with, or OK."""
    try:
        f(**k)
        return "OK"
    except ClientError as e:
        return e.response["Error"]["Code"]


def eq(have, want, what):
    assert have == want, f"{what}: {have!r}, want {want!r}"


s3.create_bucket(Bucket=B)
eq(code(s3.create_bucket, Bucket=B), 'OK', 'recreate')
data = os.urandom(30 * 1024 * 1024)
s3.upload_fileobj(io.BytesIO(data), B, 'big', Config=TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20))
buf = io.BytesIO()
s3.download_fileobj(B, 'big', buf)
eq(buf.getvalue() == data, True, 'multipart 30MB')
h = s3.head_object(Bucket=B, Key='big', ChecksumMode='ENABLED')
g = s3.get_object(Bucket=B, Key='big', PartNumber=2)
eq(g['Body'].read() == data[8 << 20:16 << 20], True, 'part read')
eq(g['PartsCount'], 4, 'parts count')
g = s3.get_object(Bucket=B, Key='big', Range='bytes=8388600-8388620')
eq(g['Body'].read(), data[8388600:8388621], 'range over parts')
for alg in ['CRC32', 'SHA1', 'SHA256']:
    for typ in ['FULL_OBJECT', 'COMPOSITE']:
        k = 'mp-%s-%s' % (alg, typ)
        try:
            u = s3.create_multipart_upload(Bucket=B, Key=k, ChecksumAlgorithm=alg, ChecksumType=typ)['UploadId']
        except ClientError as e:
            assert typ == 'FULL_OBJECT' and alg.startswith('SHA'), e
            continue
        parts = []
        for n, d in ((1, data[:5 << 20]), (2, data[5 << 20:11 << 20]), (5, b'tail')):
            r = s3.upload_part(Bucket=B, Key=k, UploadId=u, PartNumber=n, Body=d, ChecksumAlgorithm=alg)
            parts.append({'PartNumber': n, 'ETag': r['ETag'], 'Checksum' + alg: r['Checksum' + alg]})
        r = s3.complete_multipart_upload(Bucket=B, Key=k, UploadId=u, MultipartUpload={'Parts': parts})
        r2 = s3.complete_multipart_upload(Bucket=B, Key=k, UploadId=u, MultipartUpload={'Parts': parts})
        eq(r2['ETag'], r['ETag'], 're-complete')
        full = s3.put_object(Bucket=B, Key='whole', Body=data[:11 << 20] + b'tail', ChecksumAlgorithm=alg)
        if typ == 'FULL_OBJECT':
            eq(r['Checksum' + alg], full['Checksum' + alg], 'full object ' + alg)
        else:
            eq(r['Checksum' + alg].endswith('-3'), True, 'composite ' + alg)
        a = s3.get_object_attributes(Bucket=B, Key=k, ObjectAttributes=['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'])
        eq(a['ObjectSize'], (11 << 20) + 4, 'attributes size')
u = s3.create_multipart_upload(Bucket=B, Key='e')['UploadId']
e1 = s3.upload_part(Bucket=B, Key='e', UploadId=u, PartNumber=1, Body=b'a')['ETag']
e2 = s3.upload_part(Bucket=B, Key='e', UploadId=u, PartNumber=2, Body=b'b')['ETag']
eq(code(s3.complete_multipart_upload, Bucket=B, Key='e', UploadId=u, MultipartUpload={'Parts': [{'PartNumber': 1, 'ETag': e1}, {'PartNumber': 2, 'ETag': e2}]}), 'EntityTooSmall', 'small')
eq(code(s3.complete_multipart_upload, Bucket=B, Key='e', UploadId=u, MultipartUpload={'Parts': [{'PartNumber': 2, 'ETag': e2}, {'PartNumber': 1, 'ETag': e1}]}), 'InvalidPartOrder', 'order')
eq(code(s3.complete_multipart_upload, Bucket=B, Key='e', UploadId=u, MultipartUpload={'Parts': [{'PartNumber': 1, 'ETag': e2}]}), 'InvalidPart', 'part')
eq([p['PartNumber'] for p in s3.list_parts(Bucket=B, Key='e', UploadId=u)['Parts']], [1, 2], 'list parts')
eq([x['Key'] for x in s3.list_multipart_uploads(Bucket=B)['Uploads']], ['e'], 'list uploads')
r = s3.upload_part_copy(Bucket=B, Key='e', UploadId=u, PartNumber=3, CopySource={'Bucket': B, 'Key': 'big'}, CopySourceRange='bytes=0-9')
eq(r['CopyPartResult']['ETag'], '"%s"' % hashlib.md5(data[:10]).hexdigest(), 'part copy')
s3.abort_multipart_upload(Bucket=B, Key='e', UploadId=u)
eq(code(s3.list_parts, Bucket=B, Key='e', UploadId=u), 'NoSuchUpload', 'aborted')
p = s3.put_object(Bucket=B, Key='c/é +&%~*.txt', Body=b'hello', Metadata={'Foo': 'Bar'}, ContentType='text/x', CacheControl='no-store', Tagging='a=b&c=d')
eq(code(s3.put_object, Bucket=B, Key='c/é +&%~*.txt', Body=b'x', IfNoneMatch='*'), 'PreconditionFailed', 'if-none-match put')
eq(code(s3.put_object, Bucket=B, Key='c/é +&%~*.txt', Body=b'hello', IfMatch=p['ETag']), 'OK', 'if-match put')
eq(code(s3.get_object, Bucket=B, Key='c/é +&%~*.txt', IfNoneMatch=p['ETag']), '304', '304')
eq(code(s3.get_object, Bucket=B, Key='c/é +&%~*.txt', IfMatch='"x"'), 'PreconditionFailed', '412')
eq(code(s3.get_object, Bucket=B, Key='c/é +&%~*.txt', Range='bytes=100-'), 'InvalidRange', '416')
eq(code(s3.put_object, Bucket=B, Key='m', Body=b'x', ContentMD5=base64.b64encode(b'0' * 16).decode()), 'BadDigest', 'bad digest')
eq(code(s3.put_object, Bucket=B, Key='m', Body=b'x', ContentMD5='zz'), 'InvalidDigest', 'invalid digest')
eq(code(s3.put_object, Bucket=B, Key='m', Body=b'x', ChecksumSHA256=base64.b64encode(b'0' * 32).decode()), 'BadDigest', 'bad sum')
eq([o['Key'] for o in s3.list_objects_v2(Bucket=B, Prefix='c/')['Contents']], ['c/é +&%~*.txt'], 'weird key')
s3.put_object(Bucket=B, Key='c/é +&%~*.txt', Body=b'hello', Metadata={'Foo': 'Bar'}, ContentType='text/x', Tagging='a=b&c=d')
s3.copy_object(Bucket=B, Key='copy', CopySource={'Bucket': B, 'Key': 'c/é +&%~*.txt'})
h = s3.head_object(Bucket=B, Key='copy')
eq((h['ContentType'], h['Metadata']), ('text/x', {'foo': 'Bar'}), 'copy meta')
eq(len(s3.get_object_tagging(Bucket=B, Key='copy')['TagSet']), 2, 'copy tags')
eq(code(s3.copy_object, Bucket=B, Key='copy', CopySource={'Bucket': B, 'Key': 'copy'}), 'InvalidRequest', 'self copy')
eq(code(s3.copy_object, Bucket=B, Key='copy', CopySource={'Bucket': B, 'Key': 'copy'}, MetadataDirective='REPLACE', Metadata={'x': 'y'}), 'OK', 'self copy replace')
s3.put_object(Bucket=B, Key='big1', Body=data[:100000])
s3.copy_object(Bucket=B, Key='big2', CopySource={'Bucket': B, 'Key': 'big1'})
s3.delete_object(Bucket=B, Key='big1')
eq(s3.get_object(Bucket=B, Key='big2')['Body'].read() == data[:100000], True, 'shared blob')
eq(code(s3.copy_object, Bucket=B, Key='big2', CopySource={'Bucket': B, 'Key': 'big2'}, MetadataDirective='REPLACE'), 'OK', 'self share')
eq(s3.get_object(Bucket=B, Key='big2')['Body'].read() == data[:100000], True, 'shared blob 2')
for i in range(30):
    s3.put_object(Bucket=B, Key='l/%02d/x' % i, Body=b'')
    s3.put_object(Bucket=B, Key='l/%02d/y' % i, Body=b'')
pg = s3.get_paginator('list_objects_v2')
got = [c['Prefix'] for p in pg.paginate(Bucket=B, Prefix='l/', Delimiter='/', PaginationConfig={'PageSize': 7}) for c in p.get('CommonPrefixes', [])]
eq(got, ['l/%02d/' % i for i in range(30)], 'prefix pages')
got = [c['Key'] for p in s3.get_paginator('list_objects').paginate(Bucket=B, Prefix='l/', PaginationConfig={'PageSize': 7}) for c in p.get('Contents', [])]
eq(len(got), 60, 'v1 pages')
got = [c['Prefix'] for p in s3.get_paginator('list_objects').paginate(Bucket=B, Prefix='l/', Delimiter='/', PaginationConfig={'PageSize': 7}) for c in p.get('CommonPrefixes', [])]
eq(len(got), 30, 'v1 prefix pages')
r = s3.list_objects_v2(Bucket=B, Prefix='l/', StartAfter='l/28/x', MaxKeys=1000)
eq([c['Key'] for c in r['Contents']], ['l/28/y', 'l/29/x', 'l/29/y'], 'start-after')
V = B + '-v'
s3.create_bucket(Bucket=V)
s3.put_object(Bucket=V, Key='k', Body=b'0')
s3.put_bucket_versioning(Bucket=V, VersioningConfiguration={'Status': 'Enabled'})
v1 = s3.put_object(Bucket=V, Key='k', Body=b'1')['VersionId']
v2 = s3.put_object(Bucket=V, Key='k', Body=b'2')['VersionId']
d = s3.delete_object(Bucket=V, Key='k')
eq(d['DeleteMarker'], True, 'marker')
eq(code(s3.get_object, Bucket=V, Key='k'), 'NoSuchKey', 'marked')
eq(code(s3.get_object, Bucket=V, Key='k', VersionId=d['VersionId']), 'MethodNotAllowed', '405')
eq(s3.get_object(Bucket=V, Key='k', VersionId='null')['Body'].read(), b'0', 'null version')
l = s3.list_object_versions(Bucket=V)
eq([(x['VersionId'], x['IsLatest']) for x in l['Versions']], [(v2, False), (v1, False), ('null', False)], 'versions')
eq(l['DeleteMarkers'][0]['IsLatest'], True, 'latest marker')
got = [(x['Key'], x['VersionId']) for p in s3.get_paginator('list_object_versions').paginate(Bucket=V, PaginationConfig={'PageSize': 1}) for x in p.get('Versions', []) + p.get('DeleteMarkers', [])]
eq(len(got), 4, 'version pages')
s3.delete_object(Bucket=V, Key='k', VersionId=d['VersionId'])
eq(s3.get_object(Bucket=V, Key='k')['Body'].read(), b'2', 'undeleted')
s3.put_bucket_versioning(Bucket=V, VersioningConfiguration={'Status': 'Suspended'})
s3.put_object(Bucket=V, Key='k', Body=b'n')
eq(len(s3.list_object_versions(Bucket=V)['Versions']), 3, 'null replaced')
eq(s3.get_object(Bucket=V, Key='k', VersionId='null')['Body'].read(), b'n', 'new null')
s3.delete_object(Bucket=V, Key='k')
eq(len(s3.list_object_versions(Bucket=V)['Versions']), 2, 'null deleted')
eq(code(s3.get_object, Bucket=V, Key='k', VersionId='bogus'), 'InvalidArgument', 'bad version id')
s3.delete_object(Bucket=V, Key='k', VersionId=v2)
eq(code(s3.get_object, Bucket=V, Key='k', VersionId=v2), 'NoSuchVersion', 'gone version')
eq(code(s3.get_bucket_policy, Bucket=B), 'NoSuchBucketPolicy', 'no policy')
pol = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Principal': '*', 'Action': 's3:GetObject', 'Resource': 'arn:aws:s3:::%s/*' % B}]})
eq(code(s3.put_bucket_policy, Bucket=B, Policy=pol), 'AccessDenied', 'public blocked')

def http(path, method='GET'):
    try:
        return urllib.request.urlopen(urllib.request.Request(ep + path, method=method)).status
    except urllib.error.HTTPError as e:
        return e.code
eq(http('/%s/copy' % B), 403, 'anonymous before')
s3.delete_public_access_block(Bucket=B)
eq(code(s3.put_bucket_policy, Bucket=B, Policy=pol), 'OK', 'public')
eq(http('/%s/copy' % B), 200, 'anonymous')
eq(http('/%s/nope' % B), 403, 'anonymous missing')
eq(http('/%s?list-type=2' % B), 403, 'anonymous list')
eq(http('/%s/copy' % B, 'DELETE'), 403, 'anonymous delete')
eq(s3.get_bucket_policy_status(Bucket=B)['PolicyStatus']['IsPublic'], True, 'status')
s3.put_public_access_block(Bucket=B, PublicAccessBlockConfiguration={'RestrictPublicBuckets': True})
eq(http('/%s/copy' % B), 403, 'restricted')
eq(code(s3.put_bucket_policy, Bucket=B, Policy='x'), 'MalformedPolicy', 'malformed')
for f, c in [('get_bucket_cors', 'NoSuchCORSConfiguration'), ('get_bucket_lifecycle_configuration', 'NoSuchLifecycleConfiguration'), ('get_bucket_tagging', 'NoSuchTagSet'), ('get_bucket_website', 'NoSuchWebsiteConfiguration'), ('get_bucket_replication', 'ReplicationConfigurationNotFoundError'), ('get_object_lock_configuration', 'ObjectLockConfigurationNotFoundError'), ('get_bucket_logging', 'OK'), ('get_bucket_notification_configuration', 'OK'), ('get_bucket_request_payment', 'OK'), ('get_bucket_accelerate_configuration', 'OK'), ('get_bucket_acl', 'OK'), ('get_bucket_encryption', 'OK'), ('get_bucket_ownership_controls', 'OK'), ('get_bucket_versioning', 'OK')]:
    eq(code(getattr(s3, f), Bucket=B), c, f)
s3.put_bucket_lifecycle_configuration(Bucket=B, LifecycleConfiguration={'Rules': [{'ID': 'r1', 'Status': 'Enabled', 'Filter': {'Prefix': 'l/'}, 'Expiration': {'Days': 3}}, {'ID': 'mp', 'Status': 'Enabled', 'Filter': {'Prefix': ''}, 'AbortIncompleteMultipartUpload': {'DaysAfterInitiation': 7}}]})
s3.put_bucket_encryption(Bucket=B, ServerSideEncryptionConfiguration={'Rules': [{'ApplyServerSideEncryptionByDefault': {'SSEAlgorithm': 'aws:kms'}, 'BucketKeyEnabled': True}]})
r = s3.put_object(Bucket=B, Key='sealed', Body=b'x')
eq(code(s3.put_object, Bucket=B, Key='sealed', Body=b'x', ServerSideEncryption='aws:kms', SSEKMSKeyId='arn:aws:kms:us-east-1:' + ACCOUNT + ':key/12345678-1234-1234-1234-123456789012'), 'KMS.NotFoundException', 'no key')
s3.put_bucket_tagging(Bucket=B, Tagging={'TagSet': [{'Key': 'a', 'Value': 'b'}]})
eq(s3.get_bucket_tagging(Bucket=B)['TagSet'], [{'Key': 'a', 'Value': 'b'}], 'tags')
s3.put_bucket_cors(Bucket=B, CORSConfiguration={'CORSRules': [{'AllowedMethods': ['GET'], 'AllowedOrigins': ['https://example.com'], 'AllowedHeaders': ['*'], 'ExposeHeaders': ['ETag'], 'MaxAgeSeconds': 3}]})
from urllib.parse import urlparse
url = s3.generate_presigned_url('get_object', Params={'Bucket': B, 'Key': 'copy'})
eq(urllib.request.urlopen(url).read(), b'hello', 'presigned get')
s4 = client('s3', config={'signature_version': 's3v4', 's3': {'addressing_style': 'path'}})
url = s4.generate_presigned_url('put_object', Params={'Bucket': B, 'Key': 'pres'})
urllib.request.urlopen(urllib.request.Request(url, data=b'pres', method='PUT', headers={'Content-Type': ''}))
eq(s3.get_object(Bucket=B, Key='pres')['Body'].read(), b'pres', 'presigned put')
r = s3.delete_objects(Bucket=B, Delete={'Objects': [{'Key': 'l/%02d/x' % i} for i in range(30)]})
eq(len(r['Deleted']), 30, 'delete objects')
for bb in (B, V):
    for p in s3.get_paginator('list_object_versions').paginate(Bucket=bb):
        o = [{'Key': x['Key'], 'VersionId': x['VersionId']} for x in p.get('Versions', []) + p.get('DeleteMarkers', [])]
        if o:
            r = s3.delete_objects(Bucket=bb, Delete={'Objects': o, 'Quiet': True})
            eq(r.get('Errors', []), [], 'quiet')
    s3.delete_bucket(Bucket=bb)
eq(code(s3.head_bucket, Bucket=B), '404', 'gone')
s3.create_bucket(Bucket=B)
eq(code(s3.put_object, Bucket=B, Key='k', Metadata={'m': 'x' * 2048}), 'MetadataTooLarge', 'metadata')
eq(code(s3.put_object, Bucket=B, Key='k' * 1025), 'KeyTooLongError', 'long key')
eq(code(s3.put_object, Bucket=B, Key='k' * 1024), 'OK', 'longest key')
