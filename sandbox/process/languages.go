package process

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/sandbox/interpreter"
)

// argv is the runtime's command line.
func (p *plan) argv() ([]string, error) {
	switch {
	case p.isModule():
		return p.moduleArgv()
	case p.lang == nil:
		return p.ownBootstrap()
	}
	var argv []string
	memory := p.spec.MemoryMB
	switch program := p.lang.Path; p.lang.Language {
	case interpreter.Python:
		argv = []string{program, "-u", p.bootstrap() + "/bootstrap.py"}
	case interpreter.Node:
		// Node.js sizes its heap by the machine unless it is told of the function's memory.
		argv = []string{program, fmt.Sprintf("--max-semi-space-size=%d", memory*5/100),
			fmt.Sprintf("--max-old-space-size=%d", memory*90/100), p.bootstrap() + "/index.cjs"}
	case interpreter.Ruby:
		argv = []string{program, p.bootstrap() + "/bootstrap.rb"}
	case interpreter.Java:
		argv = []string{program, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", fmt.Sprintf("-Xmx%dm", javaHeap(memory)),
			"-cp", p.seen(compiledPath, p.compiled), "brume.Main"}
	case interpreter.DotNet:
		handler := p.spec.Env["_HANDLER"]
		if strings.Contains(handler, "::") {
			return nil, &sandbox.EntrypointError{Message: "handler " + handler + ": Brume runs .NET functions that are programs of their own " +
				"(an executable assembly with Amazon.Lambda.RuntimeSupport, named as the handler), not class libraries"}
		}
		argv = []string{program, "exec", p.task() + "/" + strings.TrimSuffix(handler, ".dll") + ".dll"}
	}
	if wrapper := p.spec.Env["AWS_LAMBDA_EXEC_WRAPPER"]; wrapper != "" {
		argv = append([]string{wrapper}, argv...)
	}
	return argv, nil
}

// javaHeap is the largest heap of a Java, in megabytes: beside it there are its code and its threads.
func javaHeap(memory int) int {
	if memory <= 512 {
		return memory * 60 / 100
	}
	return memory * 80 / 100
}

// languageEnv sets the variables by which a language finds what the function and its layers bring.
// https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html
func (p *plan) languageEnv(vars map[string]string) {
	if p.lang == nil {
		return
	}
	_, version, _ := interpreter.ParseRuntime(p.spec.Runtime)
	switch p.lang.Language {
	case interpreter.Python:
		// The bootstrap adds /opt/python and the like itself.
		vars["PYTHONPATH"] = p.bootstrap()
		if p.compiled != "" {
			vars["_BRUME_COMPILED"] = compiledPath
		}
		if p.private() {
			return
		}
		vars["PYTHONPATH"] = joined(vars["PYTHONPATH"], p.opt(fmt.Sprintf("python/lib/python%d.%d/site-packages", version.Major, version.Minor)), p.opt("python"))
		if len(p.lang.SDK) > 0 {
			vars["PYTHONPATH"] = joined(vars["PYTHONPATH"], filepath.Dir(p.lang.SDK[0]))
		}
	case interpreter.Node:
		vars["NODE_PATH"] = joined(p.opt(fmt.Sprintf("nodejs/node%d/node_modules", version.Major)), p.opt("nodejs/node_modules"),
			p.bootstrap()+"/node_modules", p.bootstrap(), p.task())
		if !p.private() && len(p.lang.SDK) > 0 {
			vars["NODE_PATH"] = joined(vars["NODE_PATH"], p.lang.SDK[0])
		}
	case interpreter.Ruby:
		abi := fmt.Sprintf("%d.%d.0", p.lang.Version.Major, p.lang.Version.Minor)
		vars["GEM_PATH"] = joined(p.task()+"/vendor/bundle/ruby/"+abi, p.opt("ruby/gems/"+abi))
		vars["RUBYLIB"] = joined(p.task(), p.bootstrap()+"/lib", p.opt("ruby/lib"))
	case interpreter.Java:
		vars["_BRUME_JAVA_LIB"] = p.opt("java/lib")
	case interpreter.DotNet:
		vars["DOTNET_ROOT"] = filepath.Dir(p.lang.Path)
		vars["DOTNET_CLI_HOME"] = "/tmp"
	}
}

// opt is the list of folders in which a folder of the layers is seen.
func (p *plan) opt(folder string) string {
	if p.private() {
		return "/opt/" + folder
	}
	var dirs []string
	for i := len(p.spec.Layers) - 1; i >= 0; i-- { // the last one counts most
		dirs = append(dirs, filepath.Join(p.spec.Layers[i], folder))
	}
	return joined(dirs...)
}

// joined makes a search path of those of its parts that are not empty.
func joined(parts ...string) string {
	var all []string
	for _, s := range parts {
		if s != "" {
			all = append(all, s)
		}
	}
	return strings.Join(all, ":")
}
