using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using static Microsoft.CodeAnalysis.CSharp.SyntaxFactory;

namespace FederatedDpLlm.Mutation;

/// <summary>The changes that are tried: tables of operators and names, and a few rules for literals, conditions and patterns.</summary>
internal static class Operators
{
    private static readonly Dictionary<SyntaxKind, SyntaxKind[]> Binary = new()
    {
        [SyntaxKind.PlusToken] = [SyntaxKind.MinusToken],
        [SyntaxKind.MinusToken] = [SyntaxKind.PlusToken],
        [SyntaxKind.AsteriskToken] = [SyntaxKind.SlashToken],
        [SyntaxKind.SlashToken] = [SyntaxKind.AsteriskToken],
        [SyntaxKind.PercentToken] = [SyntaxKind.AsteriskToken],
        [SyntaxKind.LessThanLessThanToken] = [SyntaxKind.GreaterThanGreaterThanToken],
        [SyntaxKind.GreaterThanGreaterThanToken] = [SyntaxKind.LessThanLessThanToken],
        [SyntaxKind.GreaterThanGreaterThanGreaterThanToken] = [SyntaxKind.LessThanLessThanToken],
        [SyntaxKind.AmpersandToken] = [SyntaxKind.BarToken],
        [SyntaxKind.BarToken] = [SyntaxKind.AmpersandToken],
        [SyntaxKind.CaretToken] = [SyntaxKind.AmpersandToken],
        [SyntaxKind.AmpersandAmpersandToken] = [SyntaxKind.BarBarToken],
        [SyntaxKind.BarBarToken] = [SyntaxKind.AmpersandAmpersandToken],
        [SyntaxKind.LessThanToken] = [SyntaxKind.LessThanEqualsToken, SyntaxKind.GreaterThanToken],
        [SyntaxKind.LessThanEqualsToken] = [SyntaxKind.LessThanToken, SyntaxKind.GreaterThanToken],
        [SyntaxKind.GreaterThanToken] = [SyntaxKind.GreaterThanEqualsToken, SyntaxKind.LessThanToken],
        [SyntaxKind.GreaterThanEqualsToken] = [SyntaxKind.GreaterThanToken, SyntaxKind.LessThanToken],
        [SyntaxKind.EqualsEqualsToken] = [SyntaxKind.ExclamationEqualsToken],
        [SyntaxKind.ExclamationEqualsToken] = [SyntaxKind.EqualsEqualsToken],
    };

    private static readonly Dictionary<SyntaxKind, SyntaxKind> Compound = new()
    {
        [SyntaxKind.PlusEqualsToken] = SyntaxKind.MinusEqualsToken,
        [SyntaxKind.MinusEqualsToken] = SyntaxKind.PlusEqualsToken,
        [SyntaxKind.AsteriskEqualsToken] = SyntaxKind.SlashEqualsToken,
        [SyntaxKind.SlashEqualsToken] = SyntaxKind.AsteriskEqualsToken,
        [SyntaxKind.LessThanLessThanEqualsToken] = SyntaxKind.GreaterThanGreaterThanEqualsToken,
        [SyntaxKind.GreaterThanGreaterThanEqualsToken] = SyntaxKind.LessThanLessThanEqualsToken,
        [SyntaxKind.AmpersandEqualsToken] = SyntaxKind.BarEqualsToken,
        [SyntaxKind.BarEqualsToken] = SyntaxKind.AmpersandEqualsToken,
        [SyntaxKind.CaretEqualsToken] = SyntaxKind.AmpersandEqualsToken,
    };

    private static readonly Dictionary<string, string> Methods = new()
    {
        ["Min"] = "Max", ["Max"] = "Min", ["Floor"] = "Ceiling", ["Ceiling"] = "Floor", ["Exp"] = "Log", ["Log"] = "Exp", ["Sqrt"] = "Abs",
        ["BitIncrement"] = "BitDecrement", ["BitDecrement"] = "BitIncrement", ["Any"] = "All", ["All"] = "Any", ["First"] = "Last", ["Last"] = "First",
        ["AddUp"] = "AddDown", ["AddDown"] = "AddUp", ["MultiplyUp"] = "MultiplyDown", ["MultiplyDown"] = "MultiplyUp", ["DivideUp"] = "DivideDown", ["DivideDown"] = "DivideUp",
        ["SquareUp"] = "SquareDown", ["SquareDown"] = "SquareUp", ["RootUp"] = "RootDown", ["RootDown"] = "RootUp",
    };

    /// <summary>Wrong versions of an expression, as (kind, replacement).</summary>
    public static IEnumerable<(string Kind, ExpressionSyntax After)> Of(ExpressionSyntax expression) => expression switch
    {
        BinaryExpressionSyntax binary when Binary.TryGetValue(binary.OperatorToken.Kind(), out var others) =>
            others.Select(other => (KindOf(binary.OperatorToken), (ExpressionSyntax)BinaryExpression(ExpressionKind(other), binary.Left, Spaced(other), binary.Right))),
        PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.LogicalNotExpression } not => [("negation", not.Operand)],
        PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.UnaryMinusExpression, Operand: not LiteralExpressionSyntax } minus => [("sign", minus.Operand)],
        PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.BitwiseNotExpression } complement => [("complement", complement.Operand)],
        LiteralExpressionSyntax { RawKind: (int)SyntaxKind.TrueLiteralExpression } => [("literal", LiteralExpression(SyntaxKind.FalseLiteralExpression))],
        LiteralExpressionSyntax { RawKind: (int)SyntaxKind.FalseLiteralExpression } => [("literal", LiteralExpression(SyntaxKind.TrueLiteralExpression))],
        LiteralExpressionSyntax { Token.Value: int number } when number < int.MaxValue => [("literal", LiteralExpression(SyntaxKind.NumericLiteralExpression, Literal(number + 1)))],
        InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax member } call when Methods.TryGetValue(member.Name.Identifier.Text, out var other) && member.Name is IdentifierNameSyntax =>
            [("method", call.WithExpression(member.WithName(IdentifierName(other))))],
        ConditionalExpressionSyntax choice when !IsOperator(choice.Condition) => [("condition", choice.WithCondition(Not(choice.Condition)))],
        IsPatternExpressionSyntax test => Patterns(test),
        _ => [],
    };

    /// <summary>The condition of a statement the other way round; comparisons have wrong versions of their own.</summary>
    public static IEnumerable<(string Kind, ExpressionSyntax After)> OfCondition(ExpressionSyntax condition) => IsOperator(condition) ? [] : [("condition", Not(condition))];

    /// <summary>Wrong versions of a statement; null is none at all.</summary>
    public static IEnumerable<(string Kind, StatementSyntax? After)> Of(ExpressionStatementSyntax statement)
    {
        yield return ("statement removed", null);
        if (statement.Expression is AssignmentExpressionSyntax assignment && Compound.TryGetValue(assignment.OperatorToken.Kind(), out var other))
        {
            yield return ("assignment", statement.WithExpression(AssignmentExpression(AssignmentKind(other), assignment.Left, Spaced(other), assignment.Right)));
        }

        if (statement.Expression is PostfixUnaryExpressionSyntax step)
        {
            yield return ("step", statement.WithExpression(PostfixUnaryExpression(
                step.IsKind(SyntaxKind.PostIncrementExpression) ? SyntaxKind.PostDecrementExpression : SyntaxKind.PostIncrementExpression, step.Operand)));
        }
    }

    // x is > 0 and <= 1: each comparison, and the words between them.
    private static IEnumerable<(string Kind, ExpressionSyntax After)> Patterns(IsPatternExpressionSyntax test)
    {
        foreach (var part in test.Pattern.DescendantNodesAndSelf())
        {
            if (part is RelationalPatternSyntax relation && Binary.TryGetValue(relation.OperatorToken.Kind(), out var others))
            {
                foreach (var other in others)
                {
                    yield return ("pattern", test.ReplaceNode(relation, relation.WithOperatorToken(Spaced(other))));
                }
            }
            else if (part is BinaryPatternSyntax pair)
            {
                var other = pair.IsKind(SyntaxKind.AndPattern) ? (SyntaxKind.OrPattern, SyntaxKind.OrKeyword) : (SyntaxKind.AndPattern, SyntaxKind.AndKeyword);
                yield return ("pattern", test.ReplaceNode(pair, BinaryPattern(other.Item1, pair.Left, Spaced(other.Item2), pair.Right)));
            }
        }
    }

    private static bool IsOperator(ExpressionSyntax expression) =>
        expression is ParenthesizedExpressionSyntax inner ? IsOperator(inner.Expression)
        : expression is BinaryExpressionSyntax or PrefixUnaryExpressionSyntax or LiteralExpressionSyntax;

    private static PrefixUnaryExpressionSyntax Not(ExpressionSyntax condition) => PrefixUnaryExpression(SyntaxKind.LogicalNotExpression, ParenthesizedExpression(condition.WithoutTrivia()));

    private static SyntaxToken Spaced(SyntaxKind kind) => Token(TriviaList(Space), kind, TriviaList(Space));

    private static string KindOf(SyntaxToken token) => token.Kind() switch
    {
        SyntaxKind.AmpersandAmpersandToken or SyntaxKind.BarBarToken => "logic",
        SyntaxKind.LessThanToken or SyntaxKind.LessThanEqualsToken or SyntaxKind.GreaterThanToken or SyntaxKind.GreaterThanEqualsToken => "comparison",
        SyntaxKind.EqualsEqualsToken or SyntaxKind.ExclamationEqualsToken => "equality",
        SyntaxKind.PlusToken or SyntaxKind.MinusToken or SyntaxKind.AsteriskToken or SyntaxKind.SlashToken or SyntaxKind.PercentToken => "arithmetic",
        _ => "bits",
    };

    private static SyntaxKind ExpressionKind(SyntaxKind token) => SyntaxFacts.GetBinaryExpression(token);

    private static SyntaxKind AssignmentKind(SyntaxKind token) => SyntaxFacts.GetAssignmentExpression(token);
}
