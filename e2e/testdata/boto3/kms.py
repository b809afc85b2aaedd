"""Keys, aliases and what is done with them, over the real client."""

import json

from client import ACCOUNT, client, fails

kms = client("kms")
key = kms.create_key(Description="e2e")["KeyMetadata"]
ARN, ID = key["Arn"], key["KeyId"]
assert ARN == f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{ID}" and key["KeyState"] == "Enabled", key

# An alias stands for the key where keys are used.
kms.create_alias(AliasName="alias/e2e", TargetKeyId=ID)
with fails("AlreadyExistsException", 400, f"An alias with the name arn:aws:kms:us-east-1:{ACCOUNT}:alias/e2e already exists"):
    kms.create_alias(AliasName="alias/e2e", TargetKeyId=ID)
with fails("InvalidAliasNameException", 400):
    kms.create_alias(AliasName="alias/aws/e2e", TargetKeyId=ID)
with fails("ValidationException", 400, "Alias must start with the prefix"):
    kms.create_alias(AliasName="e2e", TargetKeyId=ID)
(alias,) = kms.list_aliases(KeyId=ID)["Aliases"]
assert alias["AliasName"] == "alias/e2e" and alias["TargetKeyId"] == ID, alias
context = {"a": "1", "b": "2"}
sealed = kms.encrypt(KeyId="alias/e2e", Plaintext=b"secret", EncryptionContext=context)
assert sealed["KeyId"] == ARN, sealed
plain = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"b": "2", "a": "1"}, KeyId="alias/e2e")
assert plain["Plaintext"] == b"secret" and plain["KeyId"] == ARN, plain
for wrong in ({}, {"a": "1"}, {"a": "1", "b": "3"}):
    with fails("InvalidCiphertextException", 400):
        kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=wrong)
with fails("InvalidCiphertextException", 400):
    kms.decrypt(CiphertextBlob=b"nonsense")
with fails("NotFoundException", 400, f"Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/none is not found."):
    kms.encrypt(KeyId="alias/none", Plaintext=b"x")
with fails("NotFoundException", 400):
    kms.describe_key(KeyId="12345678-1234-1234-1234-123456789012")
with fails("ValidationException", 400):
    kms.encrypt(KeyId=ID, Plaintext=b"x" * 4097)
with fails("DryRunOperationException"):
    kms.encrypt(KeyId=ID, Plaintext=b"x", DryRun=True)

# A ciphertext of this region is none in another.
with fails("AccessDeniedException", 400, "The ciphertext refers to a customer master key that does not exist"):
    client("kms", region_name="eu-west-1").decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)

# Data keys, and the wrong key.
data = kms.generate_data_key(KeyId=ARN, KeySpec="AES_256")
assert len(data["Plaintext"]) == 32
assert kms.decrypt(CiphertextBlob=data["CiphertextBlob"])["Plaintext"] == data["Plaintext"]
assert len(kms.generate_data_key(KeyId=ARN, NumberOfBytes=7)["Plaintext"]) == 7
with fails("ValidationException", 400, "Please specify either number of bytes or key spec."):
    kms.generate_data_key(KeyId=ARN)
other = kms.create_key()["KeyMetadata"]["KeyId"]
with fails("IncorrectKeyException", 400):
    kms.decrypt(CiphertextBlob=data["CiphertextBlob"], KeyId=other)
again = kms.re_encrypt(CiphertextBlob=data["CiphertextBlob"], DestinationKeyId=other, DestinationEncryptionContext={"x": "y"})
assert again["SourceKeyId"] == ARN and again["KeyId"].endswith(other), again
assert kms.decrypt(CiphertextBlob=again["CiphertextBlob"], EncryptionContext={"x": "y"}, KeyId=other)["Plaintext"] == data["Plaintext"]

# The alias moves; the ciphertext keeps its key.
kms.update_alias(AliasName="alias/e2e", TargetKeyId=other)
with fails("IncorrectKeyException", 400):
    kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context, KeyId="alias/e2e")

# A key that AWS manages is there when it is used, and is not the caller's to change.
managed = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
assert managed["KeyManager"] == "AWS", managed
with fails("AccessDeniedException", 400):
    kms.disable_key(KeyId=managed["KeyId"])

# States.
kms.disable_key(KeyId=ID)
with fails("DisabledException", 400, f"{ARN} is disabled."):
    kms.decrypt(CiphertextBlob=data["CiphertextBlob"])
kms.enable_key(KeyId=ID)
with fails("ValidationException", 400):
    kms.schedule_key_deletion(KeyId=ID, PendingWindowInDays=6)
kms.schedule_key_deletion(KeyId=ID, PendingWindowInDays=7)
for call in (lambda: kms.decrypt(CiphertextBlob=data["CiphertextBlob"]), lambda: kms.enable_key(KeyId=ID),
             lambda: kms.schedule_key_deletion(KeyId=ID), lambda: kms.create_alias(AliasName="alias/late", TargetKeyId=ID)):
    with fails("KMSInvalidStateException", 400, f"{ARN} is pending deletion."):
        call()
kms.cancel_key_deletion(KeyId=ID)
assert kms.describe_key(KeyId=ID)["KeyMetadata"]["KeyState"] == "Disabled"

# Policies: one that locks everybody out is refused, and a service's condition on the context counts.
with fails("MalformedPolicyDocumentException", 400):
    kms.put_key_policy(KeyId=other, PolicyName="default", Policy="{}")
nobody = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
          "Action": "kms:*", "Resource": "*"}]}
with fails("MalformedPolicyDocumentException", 400, "will not allow you to update the key policy in the future"):
    kms.put_key_policy(KeyId=other, PolicyName="default", Policy=json.dumps(nobody))
group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:sealed"
policy = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"},
    {"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"}, "Action": ["kms:GenerateDataKey*", "kms:Decrypt"], "Resource": "*",
     "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": group}}}]}
kms.put_key_policy(KeyId=other, PolicyName="default", Policy=json.dumps(policy))
logs, arn = client("logs"), kms.describe_key(KeyId=other)["KeyMetadata"]["Arn"]
with fails("InvalidParameterException", 400, "does not exist or is not allowed to be used with"):
    logs.create_log_group(logGroupName="unsealed", kmsKeyId=arn)
logs.create_log_group(logGroupName="sealed", kmsKeyId=arn)
assert logs.describe_log_groups()["logGroups"][0]["kmsKeyId"] == arn

# The key of a service is used by way of that service only.
with fails("AccessDeniedException", 400):
    kms.encrypt(KeyId="alias/aws/ssm", Plaintext=b"x")
ssm = client("ssm")
ssm.put_parameter(Name="secret", Value="hidden", Type="SecureString")
assert ssm.get_parameter(Name="secret", WithDecryption=True)["Parameter"]["Value"] == "hidden"

# A grant lets a role that has no policies use a key, within its constraints, until it is retired.
iam, sts = client("iam"), client("sts")
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="grantee", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
c = sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
grantee = client("kms", aws_access_key_id=c["AccessKeyId"], aws_secret_access_key=c["SecretAccessKey"], aws_session_token=c["SessionToken"])
fresh = kms.create_key()["KeyMetadata"]["Arn"]
with fails("AccessDeniedException", 400):
    grantee.encrypt(KeyId=fresh, Plaintext=b"x", EncryptionContext={"a": "1"})
grant = kms.create_grant(KeyId=fresh, GranteePrincipal=role, RetiringPrincipal=role, Operations=["Encrypt", "Decrypt"],
                         Constraints={"EncryptionContextSubset": {"a": "1"}}, Name="e2e")
sealed = grantee.encrypt(KeyId=fresh, Plaintext=b"x", EncryptionContext={"a": "1"}, GrantTokens=[grant["GrantToken"]])["CiphertextBlob"]
assert grantee.decrypt(CiphertextBlob=sealed, EncryptionContext={"a": "1"})["Plaintext"] == b"x"
with fails("AccessDeniedException", 400):
    grantee.encrypt(KeyId=fresh, Plaintext=b"x", EncryptionContext={"a": "2"})
(listed,) = kms.list_grants(KeyId=fresh)["Grants"]
assert listed["GrantId"] == grant["GrantId"] and listed["Operations"] == ["Decrypt", "Encrypt"] and listed["Name"] == "e2e", listed
assert [g["GrantId"] for g in kms.list_retirable_grants(RetiringPrincipal=role)["Grants"]] == [grant["GrantId"]]
grantee.retire_grant(GrantToken=grant["GrantToken"])
with fails("AccessDeniedException", 400):
    grantee.decrypt(CiphertextBlob=sealed, EncryptionContext={"a": "1"})
with fails("NotFoundException", 400):
    kms.revoke_grant(KeyId=fresh, GrantId=grant["GrantId"])

# Rotation on demand.
before = kms.encrypt(KeyId=fresh, Plaintext=b"old")["CiphertextBlob"]
kms.rotate_key_on_demand(KeyId=fresh)
(rotation,) = kms.list_key_rotations(KeyId=fresh)["Rotations"]
assert rotation["RotationType"] == "ON_DEMAND" and kms.decrypt(CiphertextBlob=before)["Plaintext"] == b"old", rotation
