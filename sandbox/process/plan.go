package process

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/sandbox/interpreter"
)

// What a function sees, as on Lambda.
const (
	taskRoot   = "/var/task"
	runtimeDir = "/var/runtime"
	language   = "/var/lang"

	compiledPath = "/var/compiled"            // what has been compiled for the interpreter
	bundlePath   = "/etc/brume/ca-bundle.pem" // the system's certificates and Brume's
	caPath       = "/etc/brume/ca.pem"        // Brume's alone
	loopback     = "127.0.0.1"
	searchPath   = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
	libraryPath  = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
	loginName    = "sbx_user1051"
)

// plan is everything that is decided about an environment before it starts.
type plan struct {
	runner *Runner
	spec   *sandbox.Spec
	lang   *interpreter.Interpreter // nil: the function brings its bootstrap
	uid    int
	api    string // address of the Runtime API, as the function sees it
	tmp    string // folder of the host for /tmp, "" when it is in memory
	// compiled is the folder of the host with what has been compiled for the interpreter, or "".
	compiled string
}

// private reports whether the function gets a file system of its own.
func (p *plan) private() bool { return p.runner.mode.private }

// ownNet reports whether it gets a network of its own.
func (p *plan) ownNet() bool { return p.private() && !p.runner.HostNetwork }

// seen is the path at which the function sees a path of the host that is put at inside.
func (p *plan) seen(inside, host string) string {
	if p.private() {
		return inside
	}
	return host
}

func (p *plan) task() string      { return p.seen(taskRoot, p.spec.Code) }
func (p *plan) bootstrap() string { return p.seen(runtimeDir, p.bootstrapSource()) }

// bootstrapSource is the folder of the host that becomes /var/runtime.
func (p *plan) bootstrapSource() string {
	if p.lang == nil {
		return ""
	}
	return filepath.Join(p.runner.bootstraps, string(p.lang.Language))
}

// ownBootstrap looks for the executable that a custom runtime is: in the function, then in its layers.
func (p *plan) ownBootstrap() ([]string, error) {
	if isFile(filepath.Join(p.spec.Code, "bootstrap")) {
		return []string{p.task() + "/bootstrap"}, nil
	}
	for i := len(p.spec.Layers) - 1; i >= 0; i-- {
		if path := filepath.Join(p.spec.Layers[i], "bootstrap"); isFile(path) {
			return []string{p.seen("/opt/bootstrap", path)}, nil
		}
	}
	return nil, &sandbox.EntrypointError{Message: "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}
}

// env is the function's environment: what Lambda sets, and over it what spec sets.
func (p *plan) env() []string {
	vars := map[string]string{
		"AWS_LAMBDA_RUNTIME_API":   p.api,
		"LAMBDA_TASK_ROOT":         p.task(),
		"LAMBDA_RUNTIME_DIR":       p.seen(runtimeDir, p.bootstrapSource()),
		"LANG":                     "en_US.UTF-8",
		"TZ":                       ":UTC",
		"PATH":                     searchPath,
		"_LAMBDA_TELEMETRY_LOG_FD": "3",
		"AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
		"AWS_ENDPOINT_URL":         p.endpoint(),
	}
	if p.private() {
		vars["LD_LIBRARY_PATH"] = libraryPath
	} else {
		vars["TMPDIR"] = p.tmp
		vars["PATH"] = joined(p.opt("bin"), searchPath)
		vars["LD_LIBRARY_PATH"] = joined(p.opt("lib"), p.task(), p.task()+"/lib")
	}
	if p.ownNet() {
		vars["AWS_XRAY_DAEMON_ADDRESS"] = fmt.Sprintf("%s:%d", loopback, daemonPort)
		vars["_AWS_XRAY_DAEMON_ADDRESS"] = loopback
		vars["_AWS_XRAY_DAEMON_PORT"] = strconv.Itoa(daemonPort)
		proxy := fmt.Sprintf("http://%s:%d", loopback, proxyPort)
		for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY"} {
			vars[name], vars[strings.ToLower(name)] = proxy, proxy
		}
		vars["NO_PROXY"] = "127.0.0.1,localhost"
		vars["no_proxy"] = vars["NO_PROXY"]
		vars["NODE_USE_ENV_PROXY"] = "1"
	}
	if p.runner.certificates != "" {
		bundle := p.seen(bundlePath, p.runner.certificates)
		for _, name := range []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"} {
			vars[name] = bundle
		}
		vars["NODE_EXTRA_CA_CERTS"] = p.seen(caPath, p.runner.caFile)
	}
	p.languageEnv(vars)
	maps.Copy(vars, p.spec.Env)
	out := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		out = append(out, name+"="+vars[name])
	}
	return out
}

// endpoint is where the function finds Brume.
func (p *plan) endpoint() string {
	if p.ownNet() {
		return fmt.Sprintf("http://%s:%d", loopback, EndpointPort)
	}
	return "http://" + p.runner.Endpoint
}

// launch is the order for the keeper.
func (p *plan) launch() (*launch, error) {
	argv, err := p.argv()
	if err != nil {
		return nil, err
	}
	l := &launch{Argv: argv, Env: p.env(), Dir: p.task(), UID: p.uid, Extensions: p.extensions()}
	if !p.private() {
		l.Read, l.Write = p.visible(), []string{p.tmp, "/dev/null", "/dev/zero", "/dev/full", "/tmp"}
		return l, nil
	}
	l.Root, l.Host = p.root(), "169-254-10-1" // a host name of Lambda's form
	l.Read, l.Write = []string{"/"}, []string{"/tmp", "/dev/null", "/dev/zero", "/dev/full"}
	if p.ownNet() {
		l.Net = true
		l.Listen = []listen{{Port: runtimePort}, {Port: EndpointPort}, {Port: tlsPort}, {Port: proxyPort}, {UDP: true, Port: daemonPort}}
	}
	return l, nil
}

// systemFolders are the parts of the host that programs need to run at all.
func systemFolders() []string { return []string{"/usr", "/nix/store"} }

// systemLinks are links into /usr on most systems and folders of their own on others.
func systemLinks() []string { return []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} }

// systemFiles are files below /etc that libraries read. None is private.
func systemFiles() []string {
	return []string{"/etc/ld.so.cache", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ssl/cert.pem", "/etc/pki/tls/certs",
		"/etc/pki/ca-trust/extracted", "/etc/pki/tls/openssl.cnf", "/etc/ca-certificates/extracted", "/etc/alternatives",
		"/etc/mime.types", "/etc/protocols", "/etc/services"}
}

// root is the function's file system.
func (p *plan) root() *root {
	r := &root{At: p.runner.mountPoint, TmpMB: p.spec.TmpMB}
	if p.tmp != "" {
		r.TmpMB, r.TmpDir = 0, p.tmp
	}
	view := func(source, target string) {
		if exists(source) {
			r.Binds = append(r.Binds, bind{source, target})
		}
	}
	for _, d := range append(systemFolders(), systemFiles()...) {
		view(d, d)
	}
	for _, path := range systemLinks() {
		if to, err := os.Readlink(path); err == nil {
			r.Links = append(r.Links, link{path, to})
		} else {
			view(path, path)
		}
	}
	p.addLanguage(r, view)
	view(p.spec.Code, taskRoot)
	switch n := len(p.spec.Layers); n {
	case 0:
	case 1:
		view(p.spec.Layers[0], "/opt")
	default:
		for i := n - 1; i >= 0; i-- { // overlay wants the top one first
			r.Layers = append(r.Layers, p.spec.Layers[i])
		}
	}
	if p.runner.certificates != "" {
		view(p.runner.certificates, bundlePath)
		view(p.runner.caFile, caPath)
	}
	r.Files = append(r.Files, p.etc()...)
	r.Links = append(r.Links, link{"/dev/fd", "/proc/self/fd"}, link{"/dev/stdin", "/proc/self/fd/0"},
		link{"/dev/stdout", "/proc/self/fd/1"}, link{"/dev/stderr", "/proc/self/fd/2"}, link{"/var/tmp", "/tmp"})
	return r
}

// addLanguage adds the interpreter, where it is not below /usr anyway, its SDK and its bootstrap.
func (p *plan) addLanguage(r *root, view func(source, target string)) {
	if p.isModule() {
		if self, err := os.Executable(); err == nil {
			view(self, programAt)
		}
		view(p.compiled, compiledPath)
	}
	if p.lang == nil {
		return
	}
	inSystem := func(path string) bool {
		return slices.ContainsFunc(append(systemFolders(), systemLinks()...),
			func(d string) bool { return strings.HasPrefix(path, d+"/") })
	}
	for _, path := range slices.Concat(p.lang.Folders, p.lang.Files) {
		if !inSystem(path) {
			view(path, path)
		}
	}
	r.Links = append(r.Links, link{language, filepath.Dir(filepath.Dir(p.lang.Path))})
	entries, err := os.ReadDir(p.bootstrapSource())
	if err != nil {
		return
	}
	for _, e := range entries {
		view(filepath.Join(p.bootstrapSource(), e.Name()), filepath.Join(runtimeDir, e.Name()))
	}
	if p.compiled != "" {
		view(p.compiled, compiledPath)
	}
	for _, sdk := range p.lang.SDK {
		if p.lang.Language == interpreter.Python {
			view(sdk, filepath.Join(runtimeDir, filepath.Base(sdk)))
		} else {
			// Beside /var/task, where both require and import look for packages of /var/task.
			view(sdk, "/var/node_modules")
		}
	}
}

// etc are the small files that name users and hosts.
func (p *plan) etc() []file {
	passwd := fmt.Sprintf("root:x:0:0:root:/root:/sbin/nologin\n%s:x:%d:%d::/home/%s:/sbin/nologin\n", loginName, p.uid, p.uid, loginName)
	group := fmt.Sprintf("root:x:0:\n%s:x:%d:\n", loginName, p.uid)
	files := []file{{"/etc/passwd", passwd}, {"/etc/group", group}, {"/etc/hostname", "169-254-10-1\n"},
		{"/etc/hosts", "127.0.0.1 localhost sandbox sandbox.localdomain\n"}, {"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"}}
	if p.ownNet() {
		return append(files, file{"/etc/resolv.conf", ""})
	}
	if b, err := os.ReadFile("/etc/resolv.conf"); err == nil {
		files = append(files, file{"/etc/resolv.conf", string(b)})
	}
	return files
}

// visible are the paths of the host that a function without a file system of its own may read.
func (p *plan) visible() []string {
	paths := slices.Concat(systemFolders(), systemLinks(), systemFiles(), []string{"/proc", "/sys/fs/cgroup", "/dev", "/etc/resolv.conf",
		"/etc/hosts", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", p.spec.Code}, p.spec.Layers)
	if self, err := os.Executable(); err == nil && p.isModule() {
		paths = append(paths, self, p.compiled)
	}
	if p.lang != nil {
		paths = append(paths, p.bootstrapSource())
		paths = slices.Concat(paths, p.lang.Folders, p.lang.Files, p.lang.SDK)
		if p.compiled != "" {
			paths = append(paths, p.compiled)
		}
	}
	if p.runner.certificates != "" {
		paths = append(paths, p.runner.certificates, p.runner.caFile)
	}
	return paths
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}
