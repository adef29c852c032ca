// Recorder evaluates expressions in the CEL environment of Kubernetes 1.36 and prints what came of each.
//
// It reads JSON lines {"expr": ..., "vars": {"object": ...}} and writes them with "value", "type" and "cost",
// or "error", or "compile" (the expression does not compile). tests/cel/library/recorded.jsonl is its output:
//
//	go run -mod=mod . < expressions.jsonl > ../recorded.jsonl
package main

import (
	"bufio"
	stdjson "encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/cel/environment"
)

type record struct {
	Expression string             `json:"expr"`
	Variables  stdjson.RawMessage `json:"vars,omitempty"`
	Value      string             `json:"value,omitempty"`
	Type       string             `json:"type,omitempty"`
	Cost       *uint64            `json:"cost,omitempty"`
	Error      string             `json:"error,omitempty"`
	Compile    string             `json:"compile,omitempty"`
}

func main() {
	set := environment.MustBaseEnvSet(version.MajorMinor(1, 36))
	base, err := set.Env(environment.StoredExpressions)
	check(err)
	env, err := base.Extend(cel.Variable("object", cel.DynType))
	check(err)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := stdjson.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for lines.Scan() {
		var r record
		check(stdjson.Unmarshal(lines.Bytes(), &r))
		evaluate(env, &r)
		check(out.Encode(r))
	}
	check(lines.Err())
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func evaluate(env *cel.Env, r *record) {
	ast, issues := env.Compile(r.Expression)
	if issues.Err() != nil {
		r.Compile = issues.Err().Error()
		return
	}
	program, err := env.Program(ast)
	if err != nil {
		r.Compile = "program instantiation failed: " + err.Error()
		return
	}
	variables := map[string]any{}
	if r.Variables != nil {
		check(json.Unmarshal(r.Variables, &variables))
	}
	value, details, err := program.Eval(variables)
	if err != nil {
		r.Error = err.Error()
		return
	}
	r.Value, r.Type, r.Cost = show(value), cel.FormatCELType(ast.OutputType()), details.ActualCost()
}

// show prints a value so that any two different ones look different, whatever language prints them.
func show(value ref.Val) string {
	switch v := value.(type) {
	case types.String:
		return quote(string(v))
	case types.Bytes:
		return fmt.Sprintf("bytes %x", []byte(v))
	case types.Int:
		return strconv.FormatInt(int64(v), 10)
	case types.Uint:
		return strconv.FormatUint(uint64(v), 10) + "u"
	case types.Double:
		return "double " + strconv.FormatFloat(float64(v), 'x', -1, 64)
	case types.Bool:
		return strconv.FormatBool(bool(v))
	case types.Null:
		return "null"
	case types.Duration:
		return fmt.Sprintf("duration %d", v.Duration.Nanoseconds())
	case types.Timestamp:
		return fmt.Sprintf("timestamp %d", v.Time.UnixNano())
	case *types.Optional:
		if v.HasValue() {
			return "optional(" + show(v.GetValue()) + ")"
		}
		return "none"
	case *types.Type:
		return "type " + v.TypeName()
	case traits.Mapper:
		var entries []string
		for each := v.Iterator(); each.HasNext() == types.True; {
			key := each.Next()
			entries = append(entries, show(key)+": "+show(v.Get(key)))
		}
		sort.Strings(entries)
		return "{" + strings.Join(entries, ", ") + "}"
	case traits.Lister:
		var elements []string
		for each := v.Iterator(); each.HasNext() == types.True; {
			elements = append(elements, show(each.Next()))
		}
		return "[" + strings.Join(elements, ", ") + "]"
	}
	return "opaque " + value.Type().TypeName()
}

func quote(text string) string {
	var b strings.Builder
	out := stdjson.NewEncoder(&b)
	out.SetEscapeHTML(false)
	check(out.Encode(text))
	return strings.TrimSuffix(b.String(), "\n")
}
