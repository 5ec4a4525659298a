using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using static Microsoft.CodeAnalysis.CSharp.SyntaxFactory;

namespace FederatedDpLlm.Mutation;

/// <summary>Writes all mutants of a file into one copy of it, each behind a test of a switch: compiled once, run many times.</summary>
/// <remarks>Untch, Offutt, Harrold, "Mutation analysis using mutant schemata", ISSTA 1993.</remarks>
internal sealed class Schemata(string file, Func<Mutant, int?> number) : CSharpSyntaxRewriter
{
    /// <summary>Marks the nodes that hold mutants; the annotation's data are their numbers.</summary>
    public const string Annotation = "mutants";

    /// <summary>Every mutant that was met, whether or not it was given a number.</summary>
    public List<Mutant> Met { get; } = [];

    public override SyntaxNode? Visit(SyntaxNode? node)
    {
        // What must be constant, or is no code that runs, stays as it is.
        if (node is AttributeListSyntax or EnumMemberDeclarationSyntax or ParameterListSyntax or CaseSwitchLabelSyntax or PatternSyntax or InterpolationFormatClauseSyntax or ArrayRankSpecifierSyntax
            || (node is FieldDeclarationSyntax field && field.Modifiers.Any(SyntaxKind.ConstKeyword))
            || (node is LocalDeclarationStatementSyntax local && local.IsConst)
            || (node is ThrowExpressionSyntax or ThrowStatementSyntax))
        {
            return node;
        }

        var visited = base.Visit(node);
        return node switch
        {
            ExpressionStatementSyntax statement => Choose(statement, (StatementSyntax)visited!),
            ExpressionSyntax expression when IsCondition(expression) => Choose(expression, (ExpressionSyntax)visited!, [.. Operators.Of(expression), .. Operators.OfCondition(expression)]),
            ExpressionSyntax expression => Choose(expression, (ExpressionSyntax)visited!, [.. Operators.Of(expression)]),
            _ => visited,
        };
    }

    private static bool IsCondition(ExpressionSyntax expression) =>
        (expression.Parent is IfStatementSyntax branch && branch.Condition == expression) || (expression.Parent is WhileStatementSyntax loop && loop.Condition == expression);

    // (Is(7) ? wrong : Is(8) ? wrong : right), unless the place declares a variable: a second declaration would not compile.
    private ExpressionSyntax Choose(ExpressionSyntax before, ExpressionSyntax visited, (string Kind, ExpressionSyntax After)[] wrong)
    {
        if (wrong.Length == 0 || before.DescendantNodes().Any(node => node is SingleVariableDesignationSyntax or LambdaExpressionSyntax))
        {
            return visited;
        }

        var numbers = new List<int>();
        ExpressionSyntax result = ParenthesizedExpression(visited.WithoutTrivia());
        foreach (var (kind, after) in wrong)
        {
            if (Number(before, kind, after.ToString()) is { } id)
            {
                numbers.Add(id);
                result = ConditionalExpression(Is(id), ParenthesizedExpression(after.WithoutTrivia()), result);
            }
        }

        return numbers.Count == 0 ? visited : Marked(ParenthesizedExpression(result).WithTriviaFrom(visited), numbers);
    }

    private StatementSyntax Choose(ExpressionStatementSyntax before, StatementSyntax visited)
    {
        if (before.DescendantNodes().Any(node => node is SingleVariableDesignationSyntax))
        {
            return visited;
        }

        var numbers = new List<int>();
        var result = visited;
        foreach (var (kind, after) in Operators.Of(before))
        {
            if (Number(before, kind, after?.ToString() ?? "") is { } id)
            {
                numbers.Add(id);
                result = IfStatement(Is(id), after is null ? Block() : Block(after), ElseClause(Block(result)));
            }
        }

        return numbers.Count == 0 ? visited : Marked(result, numbers);
    }

    private int? Number(SyntaxNode before, string kind, string after)
    {
        var mutant = new Mutant(file, before.GetLocation().GetLineSpan().StartLinePosition.Line + 1, before.SpanStart, kind, before.ToString(), after);
        Met.Add(mutant);
        return number(mutant);
    }

    private static T Marked<T>(T node, IEnumerable<int> numbers)
        where T : SyntaxNode => node.WithAdditionalAnnotations(new SyntaxAnnotation(Annotation, string.Join(',', numbers)));

    private static ExpressionSyntax Is(int id) => ParseExpression($"global::FederatedDpLlm.Mutation.MutantSwitch.Is({id})");
}
