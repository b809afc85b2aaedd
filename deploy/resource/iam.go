package resource

import (
	"github.com/brume-dev/brume/jsondoc"
)

// Longest names, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
const (
	maxRoleName   = 64
	maxUserName   = 64
	maxPolicyName = 128

	usualSession = "3600" // seconds, MaxSessionDuration of a role that says nothing
)

var iamKinds = map[string]*Kind{
	"AWS::IAM::Role":  {Create: createRole, Update: updateRole, Delete: deleteRole, Replaces: []string{"RoleName", "Path"}, Name: "RoleName", Tags: true},
	"AWS::IAM::User":  {Create: createUser, Update: updateUser, Delete: deleteUser, Replaces: []string{"UserName"}, Name: "UserName", Tags: true},
	"AWS::IAM::Group": {Create: createGroup, Update: updateGroup, Delete: deleteGroup, Replaces: []string{"GroupName"}, Name: "GroupName"},
	"AWS::IAM::ManagedPolicy": {Create: createManagedPolicy, Update: updateManagedPolicy, Delete: deleteManagedPolicy,
		Replaces: []string{"ManagedPolicyName", "Path", "Description"}, Name: "ManagedPolicyName"},
	"AWS::IAM::Policy":          {Create: putPolicy, Update: movePolicy, Delete: dropPolicy, Replaces: []string{"PolicyName"}},
	"AWS::IAM::RolePolicy":      {Create: putRolePolicy, Update: putRolePolicy, Delete: dropRolePolicy, Replaces: []string{"PolicyName", "RoleName"}},
	"AWS::IAM::AccessKey":       {Create: createAccessKey, Update: updateAccessKey, Delete: deleteAccessKey, Replaces: []string{"UserName", "Serial"}},
	"AWS::IAM::InstanceProfile": {Create: createProfile, Update: updateProfile, Delete: deleteProfile, Replaces: []string{"InstanceProfileName", "Path"}, Name: "InstanceProfileName"},
}

// holder is what a user, a role or a group has in common: how its policies are called.
type holder struct{ noun, key string } // "Role", "RoleName"

var (
	roleHolder  = holder{"Role", "RoleName"}
	userHolder  = holder{"User", "UserName"}
	groupHolder = holder{"Group", "GroupName"}

	holders = []holder{roleHolder, userHolder, groupHolder}
)

// inlinePolicies are the inline policies of a role, user or group by name.
func inlinePolicies(doc *jsondoc.Object) (names []string, documents map[string]any) {
	documents = map[string]any{}
	for _, v := range list(doc, "Policies") {
		if p, ok := v.(*jsondoc.Object); ok {
			n := textOf(p, "PolicyName")
			names = append(names, n)
			documents[n] = get(p, "PolicyDocument")
		}
	}
	return names, documents
}

// policies brings managed and inline policies to what the properties say.
func (o *Op) policies(h holder) error {
	attach, detach := difference(texts(o.Old, "ManagedPolicyArns"), texts(o.Properties, "ManagedPolicyArns"))
	names, documents := inlinePolicies(o.Properties)
	before, _ := inlinePolicies(o.Old)
	_, removed := difference(before, names)
	return inSequence(
		func() error {
			return each(attach, func(arn string) error {
				return o.do("iam", "Attach"+h.noun+"Policy", h.key, o.Physical, "PolicyArn", arn)
			})
		},
		func() error {
			return each(detach, func(arn string) error {
				return ignoreGone(o.do("iam", "Detach"+h.noun+"Policy", h.key, o.Physical, "PolicyArn", arn))
			})
		},
		func() error {
			return each(names, func(n string) error {
				return o.do("iam", "Put"+h.noun+"Policy", h.key, o.Physical, "PolicyName", n, "PolicyDocument", documents[n])
			})
		},
		func() error {
			return each(removed, func(n string) error {
				return ignoreGone(o.do("iam", "Delete"+h.noun+"Policy", h.key, o.Physical, "PolicyName", n))
			})
		})
}

// strip takes all policies of a role, user or group away, so that it can be deleted.
func (o *Op) strip(h holder) error {
	names, _ := inlinePolicies(o.Properties)
	return inSequence(
		func() error {
			return each(texts(o.Properties, "ManagedPolicyArns"), func(arn string) error {
				return ignoreGone(o.do("iam", "Detach"+h.noun+"Policy", h.key, o.Physical, "PolicyArn", arn))
			})
		},
		func() error {
			return each(names, func(n string) error {
				return ignoreGone(o.do("iam", "Delete"+h.noun+"Policy", h.key, o.Physical, "PolicyName", n))
			})
		})
}

// createHolder makes a role, user or group and reads its ARN.
func (o *Op) createHolder(h holder, max int) error {
	o.Physical = o.name(h.key, max)
	if _, err := o.call("iam", "Create"+h.noun, o.properties(h.key, o.Physical)); o.made(err) != nil {
		return err
	}
	out, err := o.call("iam", "Get"+h.noun, input(h.key, o.Physical))
	if err != nil {
		return err
	}
	o.Attributes["Arn"] = textOf(inside(out, h.noun), "Arn")
	if h == roleHolder {
		o.Attributes["RoleId"] = textOf(inside(out, "Role"), "RoleId")
	}
	return o.policies(h)
}

func createRole(o *Op) error {
	if !o.has("AssumeRolePolicyDocument") {
		return Missing("AssumeRolePolicyDocument")
	}
	return o.createHolder(roleHolder, maxRoleName)
}

func updateRole(o *Op) error {
	return inSequence(
		func() error {
			if !o.changed("AssumeRolePolicyDocument") {
				return nil
			}
			return o.do("iam", "UpdateAssumeRolePolicy", "RoleName", o.Physical, "PolicyDocument", get(o.Properties, "AssumeRolePolicyDocument"))
		},
		func() error {
			if !o.changed("Description", "MaxSessionDuration") {
				return nil
			}
			description, longest := o.text("Description"), get(o.Properties, "MaxSessionDuration")
			if longest == nil {
				longest = usualSession
			}
			return o.do("iam", "UpdateRole", "RoleName", o.Physical, "Description", &description, "MaxSessionDuration", longest)
		},
		func() error { return o.boundary(roleHolder) },
		func() error { return o.policies(roleHolder) },
		func() error { return o.retagHolder(roleHolder) })
}

func (o *Op) boundary(h holder) error {
	switch b := o.text("PermissionsBoundary"); {
	case !o.changed("PermissionsBoundary"):
		return nil
	case b == "":
		return ignoreGone(o.do("iam", "Delete"+h.noun+"PermissionsBoundary", h.key, o.Physical))
	default:
		return o.do("iam", "Put"+h.noun+"PermissionsBoundary", h.key, o.Physical, "PermissionsBoundary", b)
	}
}

func (o *Op) retagHolder(h holder) error {
	return o.retag(
		func(tags *jsondoc.Object) error { return o.do("iam", "Tag"+h.noun, h.key, o.Physical, "Tags", tags) },
		func(keys []any) error {
			return o.do("iam", "Untag"+h.noun, h.key, o.Physical, "TagKeys", &jsondoc.Array{Items: keys})
		})
}

func deleteRole(o *Op) error {
	return inSequence(
		func() error { return o.strip(roleHolder) },
		func() error { return ignoreGone(o.do("iam", "DeleteRole", "RoleName", o.Physical)) })
}

func createUser(o *Op) error {
	return inSequence(
		func() error { return o.createHolder(userHolder, maxUserName) },
		func() error { return o.groups(nil, texts(o.Properties, "Groups")) })
}

func (o *Op) groups(before, now []string) error {
	join, leave := difference(before, now)
	return inSequence(
		func() error {
			return each(join, func(g string) error { return o.do("iam", "AddUserToGroup", "UserName", o.Physical, "GroupName", g) })
		},
		func() error {
			return each(leave, func(g string) error {
				return ignoreGone(o.do("iam", "RemoveUserFromGroup", "UserName", o.Physical, "GroupName", g))
			})
		})
}

func updateUser(o *Op) error {
	return inSequence(
		func() error {
			if !o.changed("Path") {
				return nil
			}
			return o.do("iam", "UpdateUser", "UserName", o.Physical, "NewPath", o.text("Path"))
		},
		func() error { return o.boundary(userHolder) },
		func() error { return o.policies(userHolder) },
		func() error { return o.groups(texts(o.Old, "Groups"), texts(o.Properties, "Groups")) },
		func() error { return o.retagHolder(userHolder) })
}

func deleteUser(o *Op) error {
	return inSequence(
		func() error { return o.groups(texts(o.Properties, "Groups"), nil) },
		func() error { return o.strip(userHolder) },
		func() error { return ignoreGone(o.do("iam", "DeleteUser", "UserName", o.Physical)) })
}

func createGroup(o *Op) error { return o.createHolder(groupHolder, maxPolicyName) }

func updateGroup(o *Op) error {
	return inSequence(
		func() error {
			if !o.changed("Path") {
				return nil
			}
			return o.do("iam", "UpdateGroup", "GroupName", o.Physical, "NewPath", o.text("Path"))
		},
		func() error { return o.policies(groupHolder) })
}

func deleteGroup(o *Op) error {
	return inSequence(
		func() error { return o.strip(groupHolder) },
		func() error { return ignoreGone(o.do("iam", "DeleteGroup", "GroupName", o.Physical)) })
}

// members are the roles, users and groups that a policy resource names.
func members(doc *jsondoc.Object) map[holder][]string {
	return map[holder][]string{roleHolder: texts(doc, "Roles"), userHolder: texts(doc, "Users"), groupHolder: texts(doc, "Groups")}
}

// spread runs join for every member that is new and leave for every one that is gone.
func (o *Op) spread(join, leave func(h holder, name string) error) error {
	before, now := members(o.Old), members(o.Properties)
	for _, h := range holders {
		added, removed := difference(before[h], now[h])
		if err := each(added, func(n string) error { return join(h, n) }); err != nil {
			return err
		}
		if err := each(removed, func(n string) error { return leave(h, n) }); err != nil {
			return err
		}
	}
	return nil
}

func (o *Op) attach(h holder, name string) error {
	return o.do("iam", "Attach"+h.noun+"Policy", h.key, name, "PolicyArn", o.Physical)
}

func (o *Op) detach(h holder, name string) error {
	return ignoreGone(o.do("iam", "Detach"+h.noun+"Policy", h.key, name, "PolicyArn", o.Physical))
}

func createManagedPolicy(o *Op) error {
	name := o.name("ManagedPolicyName", maxPolicyName)
	out, err := o.call("iam", "CreatePolicy", o.properties("PolicyName", name))
	if o.made(err) != nil {
		return err
	}
	o.Physical = textOf(inside(out, "Policy"), "Arn")
	if o.Physical == "" { // made by the attempt before
		path := o.text("Path")
		if path == "" {
			path = "/"
		}
		o.Physical = "arn:aws:iam::" + o.ID.Account + ":policy" + path + name
	}
	o.Attributes["PolicyArn"] = o.Physical
	return o.spread(o.attach, o.detach)
}

func updateManagedPolicy(o *Op) error {
	return inSequence(
		func() error {
			if !o.changed("PolicyDocument") {
				return nil
			}
			if err := o.pruneVersions(); err != nil {
				return err
			}
			return o.do("iam", "CreatePolicyVersion", "PolicyArn", o.Physical, "PolicyDocument", get(o.Properties, "PolicyDocument"),
				"SetAsDefault", true)
		},
		func() error { return o.spread(o.attach, o.detach) })
}

// pruneVersions deletes all versions but the default one, so that there is room for a new one.
func (o *Op) pruneVersions() error {
	out, err := o.call("iam", "ListPolicyVersions", input("PolicyArn", o.Physical))
	if err != nil {
		return err
	}
	for _, v := range list(out, "Versions") {
		version, ok := v.(*jsondoc.Object)
		if !ok || get(version, "IsDefaultVersion") == true {
			continue
		}
		err := o.do("iam", "DeletePolicyVersion", "PolicyArn", o.Physical, "VersionId", textOf(version, "VersionId"))
		if ignoreGone(err) != nil {
			return err
		}
	}
	return nil
}

func deleteManagedPolicy(o *Op) error {
	if err := o.eachMember(o.detach); err != nil {
		return err
	}
	if err := o.pruneVersions(); err != nil {
		return ignoreGone(err)
	}
	return ignoreGone(o.do("iam", "DeletePolicy", "PolicyArn", o.Physical))
}

func (o *Op) putInline(h holder, name string) error {
	return o.do("iam", "Put"+h.noun+"Policy", h.key, name, "PolicyName", o.text("PolicyName"), "PolicyDocument", get(o.Properties, "PolicyDocument"))
}

func (o *Op) dropInline(h holder, name string) error {
	return ignoreGone(o.do("iam", "Delete"+h.noun+"Policy", h.key, name, "PolicyName", o.text("PolicyName")))
}

// putPolicy writes an inline policy into every role, user and group that it names.
func putPolicy(o *Op) error {
	o.Physical = o.name("", maxPolicyName)
	return o.eachMember(o.putInline)
}

func (o *Op) eachMember(f func(h holder, name string) error) error {
	all := members(o.Properties)
	for _, h := range holders {
		if err := each(all[h], func(n string) error { return f(h, n) }); err != nil {
			return err
		}
	}
	return nil
}

func movePolicy(o *Op) error {
	return inSequence(
		func() error { return o.eachMember(o.putInline) },
		func() error { return o.spread(func(holder, string) error { return nil }, o.dropInline) })
}

func dropPolicy(o *Op) error { return o.eachMember(o.dropInline) }

func putRolePolicy(o *Op) error {
	o.Physical = o.text("PolicyName") + "|" + o.text("RoleName")
	return o.putInline(roleHolder, o.text("RoleName"))
}

func dropRolePolicy(o *Op) error { return o.dropInline(roleHolder, o.text("RoleName")) }

func createAccessKey(o *Op) error {
	out, err := o.call("iam", "CreateAccessKey", input("UserName", o.text("UserName")))
	if err != nil {
		return err
	}
	key := inside(out, "AccessKey")
	o.Physical = textOf(key, "AccessKeyId")
	o.Attributes["SecretAccessKey"] = textOf(key, "SecretAccessKey")
	return updateAccessKey(o)
}

func updateAccessKey(o *Op) error {
	status := o.text("Status")
	if status == "" {
		return nil
	}
	return o.do("iam", "UpdateAccessKey", "UserName", o.text("UserName"), "AccessKeyId", o.Physical, "Status", status)
}

func deleteAccessKey(o *Op) error {
	return ignoreGone(o.do("iam", "DeleteAccessKey", "UserName", o.text("UserName"), "AccessKeyId", o.Physical))
}

func createProfile(o *Op) error {
	o.Physical = o.name("InstanceProfileName", maxPolicyName)
	if _, err := o.call("iam", "CreateInstanceProfile", o.properties("InstanceProfileName", o.Physical)); o.made(err) != nil {
		return err
	}
	out, err := o.call("iam", "GetInstanceProfile", input("InstanceProfileName", o.Physical))
	if err != nil {
		return err
	}
	o.Attributes["Arn"] = textOf(inside(out, "InstanceProfile"), "Arn")
	return o.profileRoles(nil, texts(o.Properties, "Roles"))
}

func (o *Op) profileRoles(before, now []string) error {
	add, remove := difference(before, now)
	return inSequence(
		func() error {
			return each(remove, func(r string) error {
				return ignoreGone(o.do("iam", "RemoveRoleFromInstanceProfile", "InstanceProfileName", o.Physical, "RoleName", r))
			})
		},
		func() error {
			return each(add, func(r string) error {
				return o.there(o.do("iam", "AddRoleToInstanceProfile", "InstanceProfileName", o.Physical, "RoleName", r))
			})
		})
}

func updateProfile(o *Op) error {
	return o.profileRoles(texts(o.Old, "Roles"), texts(o.Properties, "Roles"))
}

func deleteProfile(o *Op) error {
	return inSequence(
		func() error { return o.profileRoles(texts(o.Properties, "Roles"), nil) },
		func() error {
			return ignoreGone(o.do("iam", "DeleteInstanceProfile", "InstanceProfileName", o.Physical))
		})
}
